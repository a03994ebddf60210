"""The versions that a result depends on."""

import importlib.metadata
import platform

__version__ = '0.1.0'


def versions() -> dict[str, str]:
  """prunax, Python and the packages whose numerics a run goes through."""
  packages = ('jax', 'jaxlib', 'flax', 'optax', 'numpy')
  found = {name: importlib.metadata.version(name) for name in packages}
  return {'prunax': __version__, 'python': platform.python_version(), **found}
