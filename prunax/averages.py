"""Running averages: leaves of a model that are no weights."""

import re
from collections.abc import Sequence
from typing import Any

import jax

from prunax import tree

_PAIRS = (('mean', 'var'), ('moving_mean', 'moving_variance'))
# Linen keeps them in a collection of their own, Haiku in modules.
_APART = re.compile(r'(.*/)?(batch_stats|mean_ema|var_ema)/.*')


def flags(names: Sequence[str]) -> list[bool]:
  """Which leaves are running averages: `mean` and `var` under one path.

  Those of Linen and of Haiku have names of their own. A batch normalization
  keeps them. They are no weights: a training step overwrites them, no method
  moves or prunes them, and no count has them.

  >>> flags(['norm/mean', 'norm/scale', 'norm/var', 'prior/mean'])
  [True, False, True, False]
  >>> flags(['batch_stats/norm/mean', 'norm/mean_ema/average'])
  [True, True]
  >>> flags(['norm/moving_mean', 'norm/moving_variance', 'moving_mean'])
  [True, True, False]
  """
  known = set(names)

  def is_average(name: str) -> bool:
    above, _, last = name.rpartition('/')
    path = f'{above}/' if above else ''
    paired = any(
      last in pair and known.issuperset(path + x for x in pair)
      for pair in _PAIRS
    )
    return paired or _APART.fullmatch(name) is not None

  return [is_average(name) for name in names]


def replaced(variables: Any, source: Any) -> Any:
  """The variables with the running averages of `source`, a tree like them.

  >>> old = {'norm': {'mean': 0.0, 'scale': 1.0, 'var': 1.0}}
  >>> replaced(old, {'norm': {'mean': 0.5, 'scale': 7.0, 'var': 2.0}})
  {'norm': {'mean': 0.5, 'scale': 1.0, 'var': 2.0}}
  """
  leaves, structure = jax.tree.flatten(variables)
  taken = [
    new if average else old
    for old, new, average in zip(
      leaves,
      jax.tree.leaves(source),
      flags(tree.leaf_names(variables)),
      strict=True,
    )
  ]
  return jax.tree.unflatten(structure, taken)


def weights(counts: Sequence[tree.LeafCount]) -> list[tree.LeafCount]:
  """The leaves that are weights."""
  found = flags([leaf.name for leaf in counts])
  return [x for x, average in zip(counts, found, strict=True) if not average]
