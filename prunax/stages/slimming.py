"""Stages that train a network so that its channels can be cut after."""

import re
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import optax

from prunax import shrinking, transforms, tree
from prunax.errors import InputError
from prunax.schedules.numbers import whole
from prunax.stages.types import Outcome, Task, inner_of
from prunax.transforms import optimizers


def slim(
  task: Task,
  variables: Any,
  key: jax.Array,
  *,
  steps: int,
  optimizer: Mapping[str, Any],
  rules: tree.Rules,
) -> Outcome:
  """Sparsity training of network slimming, by the rules of `transforms.slim`.

  The scales that it draws to zero are what `filters` ranks by `bn_scale`.
  """
  inner, iter_size = inner_of(optimizer)
  tx = optax.chain(transforms.slim(rules), inner, transforms.keep_zeros())
  tx = optimizers.accumulate(tx, iter_size)
  variables, _ = task.fit(variables, tx, steps, key)
  return Outcome(variables, {})


def soft(
  task: Task,
  variables: Any,
  key: jax.Array,
  *,
  steps: int,
  optimizer: Mapping[str, Any],
  every: int,
  density: float,
  budget: str = 'flops',
  score: str = 'l2',
  revive: bool = True,
) -> Outcome:
  """Zeroes the same part of all layers' filters again and again.

  As `transforms.soft_filters`; the part is the one that leaves `density` of
  the budget. The last update zeroes, and `filters` by 'l2', of the same
  density and budget and the scope 'layer', then cuts what is zero. Channels
  that several kernels make, as those of a residual stage, are left alone: each
  kernel would choose others.
  """
  inner, iter_size = inner_of(optimizer)
  updates = steps // iter_size
  whole('every', every, 1)
  if updates % every:
    raise InputError(
      f'steps must be a multiple of every, so that the last update zeroes, got'
      f' {updates} updates and {every}: mend one'
    )
  rules = _rules(task, variables, density, budget)
  tx = optimizers.accumulate(
    optax.chain(
      inner,
      transforms.soft_filters(rules, every=every, score=score, revive=revive),
    ),
    iter_size,
  )
  variables, _ = task.fit(variables, tx, steps, key)
  return Outcome(variables, {})


def _rules(
  task: Task, variables: Any, density: float, budget: str
) -> tree.Rules:
  """How many filters of each kernel stay."""
  model = task.model
  report = shrinking.shrink(
    model.apply,
    variables,
    jax.ShapeDtypeStruct((1, *model.input_shape), np.float32),
    density=density,
    budget=budget,
    scope='layer',
  ).report
  ndim = {n: np.ndim(x) for n, x in tree.named_leaves(variables).items()}
  rules: list[tuple[str, int | None]] = []
  for group in report.groups:
    kernels = [m for m in group.members if ndim[m.leaf] > 1]
    if not group.prunable or len(kernels) != 1:
      continue
    (m,) = kernels
    if m.axis == ndim[m.leaf] - 1 and m.block == 1:
      rules.append((re.escape(m.leaf), report.kept[group.id]))
  return [*rules, ('.*', None)]
