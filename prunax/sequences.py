"""Which nodes of a tree are lists or tuples, as data beside nested dicts."""

from collections.abc import Mapping
from typing import Any

import jax

from prunax.errors import InputError
from prunax.files import PathLike

_TYPES: dict[str, type] = {'list': list, 'tuple': tuple}


def kinds(node: Any) -> dict[str, str]:
  """The lists and tuples of a tree of dicts, lists and tuples, by path.

  Those below other nodes, or with an entry that has no leaf, are left out:
  their form is not told by what they hold.

  >>> kinds({'layers': [{'w': 1.0}, (2.0, 3.0)], 'scale': 4.0})
  {'layers': 'list', 'layers/1': 'tuple'}
  """
  found: dict[str, str] = {}

  def visit(node: Any, path: tuple[str, ...]) -> None:
    kind = type(node).__name__
    if type(node) in _TYPES.values():
      if node and all(jax.tree.leaves(x) for x in node):
        found['/'.join(path)] = kind
      node = dict(enumerate(node))
    if isinstance(node, Mapping):
      for key, value in node.items():
        visit(value, (*path, str(key)))

  visit(node, ())
  return found


def restored(node: Any, kinds: Any, path: PathLike) -> Any:
  """Nested dicts with the lists and tuples that `kinds` told.

  >>> restored({'w': {'0': 1.0, '1': 2.0}}, {'w': 'tuple'}, 'a.npz')
  {'w': (1.0, 2.0)}

  Args:
    node: nested dicts.
    kinds: 'list' or 'tuple' by path.
    path: the file, which an error names.
  """
  known = list(_TYPES)
  if not (isinstance(kinds, dict) and all(k in known for k in kinds.values())):
    raise InputError(
      f'{path} must tell which nodes are a list or a tuple, got {kinds!r:.80}:'
      ' write it again'
    )
  return _restored(node, kinds, (), path)


def _restored(
  node: Any, kinds: dict[str, str], at: tuple[str, ...], path: PathLike
) -> Any:
  if not isinstance(node, dict):
    return node
  new = {k: _restored(v, kinds, (*at, k), path) for k, v in node.items()}
  kind = kinds.get('/'.join(at))
  if kind is None:
    return new
  entries = [str(i) for i in range(len(new))]
  if set(entries) != set(new):
    raise InputError(
      f'{path} must have the entries {", ".join(entries[:4])}... at'
      f' {"/".join(at)!r}, which it calls a {kind}, got others: write it again'
    )
  return _TYPES[kind](new[i] for i in entries)
