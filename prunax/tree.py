"""Names of leaves, ordered path rules over them, and counts."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.tree_util import DictKey, FlattenedIndexKey, GetAttrKey, SequenceKey

from prunax.errors import InputError

Rules = Sequence[tuple[str, Any]]


def density(size: int, alive: int) -> float:
  """Which part is alive; all of it where there is nothing.

  >>> density(10, 4), density(0, 0)
  (0.4, 1.0)
  """
  return alive / size if size else 1.0


class LeafCount(NamedTuple):
  """How many entries a leaf has, and how many of them are not zero."""

  name: str
  shape: tuple[int, ...]
  size: int
  alive: int

  @property
  def density(self) -> float:
    return density(self.size, self.alive)


def _key_name(key: Any) -> str:
  if isinstance(key, (DictKey, FlattenedIndexKey)):
    return str(key.key)
  if isinstance(key, SequenceKey):
    return str(key.idx)
  return key.name if isinstance(key, GetAttrKey) else str(key)


def path_name(path: Sequence[Any]) -> str:
  """The name of a leaf from the key path that `jax.tree_util` gives it."""
  # An nnx.Variable is a node with one leaf of its own, `.value`, that no user
  # thinks of as a part of the name.
  if len(path) > 1 and path[-1] == GetAttrKey('value'):
    path = path[:-1]
  return '/'.join(_key_name(key) for key in path)


def leaf_names(tree: Any) -> list[str]:
  """The names of all leaves, in the order of `jax.tree.leaves`.

  >>> leaf_names({'conv1': {'kernel': 1.0, 'bias': 2.0}, 'heads': [3.0]})
  ['conv1/bias', 'conv1/kernel', 'heads/0']
  """
  paths, _ = jax.tree_util.tree_flatten_with_path(tree)
  return [path_name(path) for path, _ in paths]


def named_leaves(tree: Any) -> dict[str, Any]:
  """All leaves by name, in the order of `jax.tree.leaves`."""
  return dict(zip(leaf_names(tree), jax.tree.leaves(tree), strict=True))


def check_rules(rules: Any) -> None:
  """Refuses what are no pairs of a pattern and a value."""
  pairs = isinstance(rules, (tuple, list))
  if not pairs:
    raise InputError(
      f'rules must be pairs of a pattern and a value, got {rules!r}: give'
      " [('.*', value)], say"
    )
  for rule in rules:
    pair = isinstance(rule, (tuple, list)) and len(rule) == 2
    if not (pair and isinstance(rule[0], str)):
      raise InputError(
        f'every rule must be a pair of a pattern and a value, got {rule!r}:'
        " give ('.*', value), say"
      )


def _compiled(pattern: str) -> re.Pattern[str]:
  try:
    return re.compile(pattern)
  except re.error as e:
    raise InputError(
      f'a rule must be a regular expression, got {pattern!r} ({e}): mend the'
      ' pattern'
    ) from None


def rule_values(rules: Rules, names: Sequence[str]) -> list[Any]:
  """The value of the first rule that matches the whole of each name.

  >>> rules = [('conv.*/kernel', 'prune'), ('.*', None)]
  >>> rule_values(rules, ['conv1/kernel', 'conv1/bias'])
  ['prune', None]

  Args:
    rules: ordered pairs of a regular expression and a value.
    names: names of leaves, as `leaf_names` gives them.

  Raises:
    InputError: if a name is covered by no rule, or a rule matches no name.
  """
  if names and not rules:
    raise InputError(
      f'every leaf must be covered by a rule, but there are no rules for'
      f" {', '.join(names)}: give [('.*', value)], say"
    )
  compiled = [(_compiled(pattern), value) for pattern, value in rules]
  for pattern, _ in compiled:
    if names and not any(pattern.fullmatch(name) for name in names):
      raise InputError(
        f'every rule must match a leaf, but {pattern.pattern!r} matches none'
        f' of: {", ".join(names)}; mend the pattern or remove the rule'
      )
  values = []
  for name in names:
    for pattern, value in compiled:
      if pattern.fullmatch(name):
        values.append(value)
        break
    else:
      raise InputError(
        f'every leaf must be covered by a rule, but {name!r} is matched by'
        f' none of: {", ".join(repr(p.pattern) for p, _ in compiled)}; end the'
        " rules with ('.*', value)"
      )
  return values


def match_rules(rules: Rules, tree: Any) -> Any:
  """A tree like `tree` that holds each leaf's value by `rule_values`.

  A value may be None; map over the result with `tree` first, since to JAX a
  None is an empty tree.

  >>> match_rules([('.*/bias', 2.0), ('.*', 1.0)], {'a': {'bias': 0.0}})
  {'a': {'bias': 2.0}}
  """
  values = rule_values(rules, leaf_names(tree))
  return jax.tree.unflatten(jax.tree.structure(tree), values)


def parent(name: str) -> str:
  """The path above a leaf: its layer's name.

  >>> parent('block/conv1/kernel'), parent('scale')
  ('block/conv1', '')
  """
  return name.rpartition('/')[0]


def layers(names: Sequence[str]) -> dict[str, list[int]]:
  """The positions of the leaves of each layer: those under one parent path.

  >>> layers(['conv1/bias', 'conv1/kernel', 'ip1/kernel'])
  {'conv1': [0, 1], 'ip1': [2]}
  """
  groups: dict[str, list[int]] = {}
  for i, name in enumerate(names):
    groups.setdefault(parent(name), []).append(i)
  return groups


def is_kernel(leaf: Any) -> bool:
  """Whether a leaf multiplies activations: it has two axes or more.

  >>> is_kernel(np.zeros((3, 3))), is_kernel(np.zeros(3))
  (True, False)
  """
  return np.ndim(leaf) >= 2


def count(tree: Any) -> list[LeafCount]:
  """The size and the number of non-zero entries of every leaf.

  >>> count({'ip': {'kernel': np.array([[1.0, 0.0], [0.0, 0.0]])}})
  [LeafCount(name='ip/kernel', shape=(2, 2), size=4, alive=1)]
  """
  return [
    LeafCount(name, np.shape(x), np.size(x), int(np.count_nonzero(x)))
    for name, x in named_leaves(tree).items()
  ]


def _distinct(leaf: Any) -> int:
  x = np.asarray(leaf)
  # NumPy cannot tell the NaNs of types that are not its own.
  if x.dtype.isbuiltin == 2:
    x = x.astype(np.float32)
  return int(np.count_nonzero(np.unique(x)))


def distinct(tree: Any) -> dict[str, int]:
  """How many different values other than zero each leaf has, by name.

  >>> distinct({'ip': {'kernel': np.array([[0.5, 0.0], [0.5, -0.5]])}})
  {'ip/kernel': 2}
  """
  return {name: _distinct(x) for name, x in named_leaves(tree).items()}


def nest(leaves: dict[str, Any]) -> dict[str, Any]:
  """A nested dict from leaves by name.

  >>> nest({'conv1/kernel': 1, 'conv1/bias': 2})
  {'conv1': {'kernel': 1, 'bias': 2}}
  """
  tree: dict[str, Any] = {}
  for name, leaf in leaves.items():
    *parents, last = name.split('/')
    node = tree
    for part in parents:
      node = node.setdefault(part, {})
    node[last] = leaf
  return tree
