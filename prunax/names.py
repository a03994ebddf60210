"""Leaves by name to a nested dict, where the names come from a file."""

from typing import Any

from prunax import tree
from prunax.errors import InputError


def nested(leaves: dict[str, Any], where: str) -> dict[str, Any]:
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
