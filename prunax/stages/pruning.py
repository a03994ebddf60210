"""Stages that prune while they train."""

from collections.abc import Mapping
from typing import Any

import jax
import optax

from prunax import schedules, transforms, tree
from prunax.errors import InputError
from prunax.stages.types import Outcome, Task, inner_of
from prunax.transforms import optimizers


def surgery(
  task: Task,
  variables: Any,
  key: jax.Array,
  *,
  steps: int,
  optimizer: Mapping[str, Any],
  rules: tree.Rules,
  prune_bias: bool = True,
  band: tuple[float, float] = (0.9, 1.1),
  surgery_iter_gamma: float | None = None,
  surgery_iter_power: float | None = None,
) -> Outcome:
  """Dynamic Network Surgery, with the settings of `transforms.dns`."""
  draw_key, fit_key = jax.random.split(key)
  inner, iter_size = inner_of(optimizer)
  tx = transforms.dns(
    inner,
    rules,
    draw_key,
    prune_bias=prune_bias,
    band=band,
    surgery_iter_gamma=surgery_iter_gamma,
    surgery_iter_power=surgery_iter_power,
    steps=steps // iter_size,
  )
  tx = optimizers.accumulate(tx, iter_size)
  variables, state = task.fit(variables, tx, steps, fit_key)
  return Outcome(variables, {'spliced': transforms.splices(state)})


def gradual(
  task: Task,
  variables: Any,
  key: jax.Array,
  *,
  steps: int,
  optimizer: Mapping[str, Any],
  rules: tree.Rules,
  begin: int = 0,
  end: int | None = None,
  every: int = 100,
  scope: str = 'layer',
) -> Outcome:
  """Magnitude pruning along a cubic ramp from `begin` to `end`.

  The rules name each layer's final density. Prunings are multiples of `every`,
  and so is the end.
  """
  inner, iter_size = inner_of(optimizer)
  updates = steps // iter_size
  last = _last_pruning(updates if end is None else end, every)
  # One ramp a density, so that layers of one density have one value.
  ramps = {
    v: schedules.density_ramp(1.0, v, begin, last)
    for _, v in rules
    if v is not None
  }
  ramped = [(p, v if v is None else ramps[v]) for p, v in rules]
  tx = optimizers.accumulate(
    optax.chain(inner, transforms.gradual(ramped, every=every, scope=scope)),
    iter_size,
  )
  variables, _ = task.fit(variables, tx, steps, key)
  return Outcome(variables, {})


def score(
  task: Task,
  variables: Any,
  key: jax.Array,
  *,
  steps: int,
  optimizer: Mapping[str, Any],
  rules: tree.Rules,
  begin: int = 0,
  end: int | None = None,
  every: int = 50,
  power: float = 2,
  score: str = 'fisher',
  scope: str = 'global',
  average: float = 0.999,
) -> Outcome:
  """Prunes by what a weight is worth; the logarithm of the count falls.

  The rules say what stays in the end, as those of `prune_by_score`.
  """
  inner, iter_size = inner_of(optimizer)
  updates = steps // iter_size
  last = _last_pruning(updates if end is None else end, every)
  tx = optimizers.accumulate(
    transforms.prune_by_score(
      inner,
      rules,
      score=score,
      every=every,
      scope=scope,
      average=average,
      ramp=schedules.approach(begin, last, power),
    ),
    iter_size,
  )
  variables, _ = task.fit(variables, tx, steps, key)
  return Outcome(variables, {})


def _last_pruning(end: int, every: int) -> int:
  """The last step that prunes: the one that must meet the final density."""
  if every < 1:
    raise InputError(f'every must be at least 1 step, got {every}')
  last = end // every * every
  if last < 1:
    raise InputError(
      f'gradual pruning must end at step {every} or later, since it prunes'
      f' every {every} steps, got {end}: train longer or prune more often'
    )
  return last
