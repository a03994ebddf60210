"""Leaves by name, to a file and out of one."""

from typing import Any

import numpy as np

from prunax import tree
from prunax.errors import InputError
from prunax.files import PathLike


def nested(leaves: dict[str, Any], where: PathLike) -> dict[str, Any]:
  """The nested dict of `leaves`, whose names must fit into one tree.

  >>> nested({'conv1/kernel': 1, 'conv1/bias': 2}, 'mine.npz')
  {'conv1': {'kernel': 1, 'bias': 2}}

  Args:
    leaves: leaves by name.
    where: the file, which an error names.
  """
  for name in leaves:
    parts = name.split('/')
    if not all(parts):
      raise InputError(
        f'{where}: the name of a leaf must be words between slashes, got'
        f' {name!r}: rename it'
      )
    for i in range(1, len(parts)):
      above = '/'.join(parts[:i])
      if above in leaves:
        raise InputError(
          f'{where}: {above!r} must be a leaf or hold leaves, got both it and'
          f' {name!r}: rename one'
        )
  return tree.nest(leaves)


def named(
  weights: Any, where: PathLike, reserved: str = ''
) -> dict[str, np.ndarray]:
  """The leaves of a tree by name, where all of them can be told apart.

  >>> named({'conv1': {'bias': [2.0]}}, 'mine.npz')
  {'conv1/bias/0': array(2.)}

  Args:
    weights: a tree of arrays with at least one leaf.
    where: the file to be, which an error names.
    reserved: the name that the file's format keeps for itself.

  Returns:
    Arrays, of which `nested` makes the tree again, with dicts for lists.
  """
  names = tree.leaf_names(weights)
  leaves = tree.named_leaves(weights)
  if not leaves:
    raise InputError(
      f'{where} must get at least one leaf, got none: save a tree of arrays'
    )
  if len(names) != len(leaves) or (reserved and reserved in leaves):
    other = f' other than {reserved!r}' if reserved else ''
    raise InputError(
      f'{where}: leaves must have names of their own{other}, got'
      f' {", ".join(names)}: rename the leaf'
    )
  nested(leaves, where)
  for name in names:
    # A zip ends a name at the first NUL; half a surrogate pair is no text.
    if '\0' in name or name.encode(errors='replace').decode() != name:
      raise InputError(
        f'{where}: the name of a leaf must be text that every program can'
        f' read, got {name!r}: rename it'
      )
  return {name: np.asarray(leaf) for name, leaf in leaves.items()}
