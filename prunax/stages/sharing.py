"""The stages of Deep Compression: prune once, then share what is left."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import optax

from prunax import transforms, tree
from prunax.errors import InputError
from prunax.fisher import fisher_diagonal
from prunax.ops import codebook, masks
from prunax.schedules.numbers import number, whole
from prunax.stages.training import finetune
from prunax.stages.types import Outcome, Task, inner_of
from prunax.transforms import optimizers
from prunax.transforms.per_leaf import weight_values

METHODS = ('exact', *codebook.STARTS)


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
) -> Outcome:
  """Gives each leaf few levels, then trains them and what is free.

  Trained quantization of Han, Mao and Dally (2016): what is zero stays zero.
  The rules say how many levels a leaf may have, or None to leave it free.
  `method` is 'exact' k-means or Lloyd's from a 'linear', 'density' or 'random'
  start; `average` as in `transforms.tie`. With `fisher_examples` the exact
  levels have the least error weighed by the squared gradients of so many
  training examples.
  """
  _check(rules, method, fisher_examples)
  draw_key, fit_key = jax.random.split(key)
  shared = _shared(task, variables, draw_key, rules, method, fisher_examples)
  inner, iter_size = inner_of(optimizer)
  tx = optax.chain(
    transforms.tie(rules, average=average), inner, transforms.keep_zeros()
  )
  tx = optimizers.accumulate(tx, iter_size)
  variables, _ = task.fit(shared, tx, steps, fit_key)
  return Outcome(variables, {'levels': _levels(variables, rules)})


def _check(rules: tree.Rules, method: str, fisher_examples: int) -> None:
  for pattern, most in rules:
    if most is not None:
      whole(f'the levels of the rule {pattern!r}', most, 1)
  if method not in METHODS:
    raise InputError(
      f'method must be one of {", ".join(METHODS)}, got {method!r}: name one'
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
  most = weight_values(rules, variables)
  felt: list[Any] = [None] * len(leaves)
  if fisher_examples and any(np.any(w) for w in leaves):
    felt = jax.tree.leaves(_fisher(task, variables, fisher_examples))
  found = [
    w
    if k is None
    else snapped(w, k, method, jax.random.fold_in(key, i), felt[i])
    for i, (w, (_, k)) in enumerate(zip(leaves, most, strict=True))
  ]
  return jax.tree.unflatten(structure, found)


def _fisher(task: Task, variables: Any, n: int) -> Any:
  x, y = task.examples.x[:n], task.examples.y[:n]
  return fisher_diagonal(task.model.apply, variables, x, y, task.examples.scale)


def snapped(
  w: Any,
  k: int,
  method: str = 'exact',
  key: jax.Array | None = None,
  felt: Any = None,
) -> np.ndarray:
  """One array whose entries that are not 0 have at most k levels, not 0.

  >>> snapped(np.array([0.0, 1.0, 3.0, 8.0], np.float32), 2).tolist()
  [0.0, 2.0, 2.0, 8.0]

  Args:
    w: the array.
    k: the most levels.
    method: 'exact' k-means, or a start of Lloyd's.
    key: for method 'random'.
    felt: how much the error of each entry weighs, where it is exact.
  """
  found = np.array(w)
  alive = found != 0
  if not alive.any():
    return found
  values = found[alive]
  if method == 'exact':
    weights = None if felt is None else np.asarray(felt)[alive]
    # What the loss feels nowhere is shared as if it felt all alike.
    weights = None if weights is None or not weights.any() else weights
    clusters = codebook.exact(values, k, weights)
  else:
    clusters = codebook.lloyd(values, k, method, key)
  found[alive] = codebook.kept_alive(values, clusters).snapped
  return found


def _levels(variables: Any, rules: tree.Rules) -> dict[str, int]:
  """The number of distinct weights that are not 0 in each ruled leaf."""
  pairs = zip(
    jax.tree.leaves(variables), weight_values(rules, variables), strict=True
  )
  return {
    name: len(np.setdiff1d(np.asarray(w), 0))
    for w, (name, k) in pairs
    if k is not None
  }
