"""Stages that train: without a method, or what is alive."""

from collections.abc import Mapping
from typing import Any

import jax
import optax

from prunax import transforms
from prunax.stages.types import Outcome, Task, inner_of
from prunax.transforms import optimizers


def dense(
  task: Task,
  variables: Any,
  key: jax.Array,
  *,
  steps: int,
  optimizer: Mapping[str, Any],
) -> Outcome:
  """Trains without a method; from scratch where there is nothing yet."""
  init_key, fit_key = jax.random.split(key)
  if variables is None:
    variables = task.model.init(init_key)
  inner, iter_size = inner_of(optimizer)
  tx = optimizers.accumulate(inner, iter_size)
  variables, _ = task.fit(variables, tx, steps, fit_key)
  return Outcome(variables, {})


def finetune(
  task: Task,
  variables: Any,
  key: jax.Array,
  *,
  steps: int,
  optimizer: Mapping[str, Any],
) -> Outcome:
  """Trains what is alive; zeros stay zeros."""
  inner, iter_size = inner_of(optimizer)
  tx = optimizers.accumulate(
    optax.chain(inner, transforms.keep_zeros()), iter_size
  )
  variables, _ = task.fit(variables, tx, steps, key)
  return Outcome(variables, {})
