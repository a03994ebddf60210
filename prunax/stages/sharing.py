"""The stages of Deep Compression: prune once, then share what is left."""

import math
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import optax

from prunax import transforms, tree
from prunax.errors import InputError
from prunax.fisher import fisher_diagonal
from prunax.ops import masks, snapping
from prunax.schedules.numbers import number, whole
from prunax.stages.training import finetune
from prunax.stages.types import Outcome, Task, inner_of
from prunax.transforms import optimizers
from prunax.transforms.per_leaf import weight_values


def prune_once(
  task: Task,
  variables: Any,
  key: jax.Array,
  *,
  steps: int,
  optimizer: Mapping[str, Any],
  rules: tree.Rules,
) -> Outcome:
  """Zeroes the smallest weights of each leaf at once, then trains the rest.

  The rules say which part of a leaf is zero then, what was zero before
  included, as `masks.sparse_ratio` has it, or None to leave it as it is.
  """
  tree.check_rules(rules)
  for pattern, ratio in rules:
    named = f'the ratio of the rule {pattern!r}'
    if ratio is not None and number(named, ratio, 0) >= 1:
      raise InputError(f'{named} must be below 1, got {ratio!r}: mend it')
  leaves, structure = jax.tree.flatten(variables)
  ratios = weight_values(rules, variables)
  pruned = [
    w if ratio is None else np.where(masks.sparse_ratio(w, ratio), w, 0)
    for w, (_, ratio) in zip(leaves, ratios, strict=True)
  ]
  variables = jax.tree.unflatten(structure, pruned)
  return finetune(task, variables, key, steps=steps, optimizer=optimizer)


def share(
  task: Task,
  variables: Any,
  key: jax.Array,
  *,
  steps: int,
  optimizer: Mapping[str, Any],
  rules: tree.Rules,
  method: str = 'exact',
  average: bool = False,
  fisher_examples: int = 0,
  portion: float = 1.0,
  weight_decay: float = 0.0,
) -> Outcome:
  """Gives each leaf few levels, then trains them and what is free.

  Trained quantization of Han, Mao and Dally (2016): what is zero stays zero.
  The rules say how many levels a leaf may have, or None to leave it free.
  `method` is 'exact' k-means or Lloyd's from a 'linear', 'density' or 'random'
  start; `average` as in `transforms.tie`. With `fisher_examples` the exact
  levels have the least error weighed by the squared gradients of so many
  training examples. A `portion` below 1 leaves the weights that are farthest
  from their levels free, for a later stage to share. `weight_decay` is that of
  each weight, before those of a level move as one.
  """
  _check(rules, method, fisher_examples)
  decay = number('weight_decay', weight_decay, 0)
  if not 0 < number('portion', portion) <= 1:
    raise InputError(
      f'portion must be above 0 and at most 1, got {portion!r}: mend it'
    )
  draw_key, fit_key = jax.random.split(key)
  shared = _shared(task, variables, draw_key, rules, method, fisher_examples)
  if portion < 1:
    shared = jax.tree.map(
      lambda w, new: _nearest(np.asarray(w), new, portion), variables, shared
    )
    # Each weight that is still free is a level of its own.
    entries = max(np.size(w) for w in jax.tree.leaves(shared))
    rules = [(pattern, None if k is None else entries) for pattern, k in rules]
  inner, iter_size = inner_of(optimizer)
  tx = optax.chain(
    optax.add_decayed_weights(decay) if decay else optax.identity(),
    transforms.tie(rules, average=average),
    inner,
    transforms.keep_zeros(),
  )
  tx = optimizers.accumulate(tx, iter_size)
  variables, _ = task.fit(shared, tx, steps, fit_key)
  return Outcome(variables, {'levels': _levels(variables, rules)})


def _check(rules: tree.Rules, method: str, fisher_examples: int) -> None:
  tree.check_rules(rules)
  for pattern, most in rules:
    if most is not None:
      whole(f'the levels of the rule {pattern!r}', most, 1)
  if method not in snapping.METHODS:
    raise InputError(
      f'method must be one of {", ".join(snapping.METHODS)}, got {method!r}:'
      ' name one'
    )
  if whole('fisher_examples', fisher_examples) and method != 'exact':
    raise InputError(
      "fisher_examples must be 0 unless method='exact', got"
      f' {fisher_examples} and {method!r}: mend one'
    )


def _shared(
  task: Task,
  variables: Any,
  key: jax.Array,
  rules: tree.Rules,
  method: str,
  fisher_examples: int,
) -> Any:
  """The weights with few levels in each ruled leaf."""
  leaves, structure = jax.tree.flatten(variables)
  names = tree.leaf_names(variables)
  most = [k for _, k in weight_values(rules, variables)]
  felt: list[Any] = [None] * len(leaves)
  if fisher_examples and any(np.any(w) for w in leaves):
    felt = jax.tree.leaves(_fisher(task, variables, fisher_examples))
  keys = [jax.random.fold_in(key, i) for i in range(len(leaves))]
  found = [
    w if k is None else snapping.snapped(w, k, method, own, f, name)
    for w, k, own, f, name in zip(leaves, most, keys, felt, names, strict=True)
  ]
  return jax.tree.unflatten(structure, found)


def _fisher(task: Task, variables: Any, n: int) -> Any:
  x, y = task.examples.x[:n], task.examples.y[:n]
  return fisher_diagonal(task.model.apply, variables, x, y, task.examples.scale)


def _nearest(w: np.ndarray, levels: Any, portion: float) -> np.ndarray:
  """The levels for that portion of the alive weights that are nearest to them.

  What shares its value already comes first.
  """
  alive = w != 0
  values, wanted = w[alive], np.asarray(levels)[alive]
  _, which, members = np.unique(values, return_inverse=True, return_counts=True)
  far = np.abs(values.astype(np.float64) - wanted.astype(np.float64))
  far[members[which] > 1] = -1
  first = np.argsort(far, kind='stable')[: math.ceil(portion * len(far))]
  values[first] = wanted[first]
  found = w.copy()
  found[alive] = values
  return found


def _levels(variables: Any, rules: tree.Rules) -> dict[str, int]:
  """The number of distinct weights that are not 0 in each ruled leaf."""
  found = tree.distinct(variables)
  most = [k for _, k in weight_values(rules, variables)]
  return {
    name: count
    for (name, count), k in zip(found.items(), most, strict=True)
    if k is not None
  }
