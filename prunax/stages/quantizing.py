"""Stages that quantize while they train."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import optax

from prunax import transforms, tree
from prunax.errors import InputError
from prunax.stages.types import Outcome, Task, inner_of
from prunax.transforms import optimizers


def inq(
  task: Task,
  variables: Any,
  key: jax.Array,
  *,
  steps: int,
  optimizer: Mapping[str, Any],
  every: int,
  rules: tree.Rules = (('.*', 7),),
  portions: Sequence[float] = (0.3, 0.6, 0.8, 1.0),
  zero_cut: str = 'paper',
  biases: bool = False,
  exponents: str = 'first',
) -> Outcome:
  """Incremental network quantization, with the settings of `transforms.inq`.

  The first step of the last portion is the last that quantizes; what is not
  quantized is trained in the steps after it.
  """
  inner, iter_size = inner_of(optimizer)
  quantizer = transforms.inq(
    rules,
    every=every,
    portions=portions,
    zero_cut=zero_cut,
    biases=biases,
    exponents=exponents,
  )
  needed = (len(portions) - 1) * every + 1
  if steps // iter_size < needed:
    raise InputError(
      f'steps must reach the last of the portions, after {needed} updates, got'
      f' {steps // iter_size}: train longer, or give a smaller every'
    )
  tx = optimizers.accumulate(optax.chain(inner, quantizer), iter_size)
  variables, state = task.fit(variables, tx, steps, key)
  facts = {'highest_exponents': transforms.highest_exponents(state)}
  return Outcome(variables, facts)


def qat(
  task: Task,
  variables: Any,
  key: jax.Array,
  *,
  steps: int,
  optimizer: Mapping[str, Any],
  rules: tree.Rules,
  scale_digits: int = 12,
) -> Outcome:
  """Training of weights on even levels, by the settings of `transforms.ste`."""
  inner, iter_size = inner_of(optimizer)
  quantized = transforms.ste(inner, rules, scale_digits)
  tx = optimizers.accumulate(quantized, iter_size)
  variables, _ = task.fit(variables, tx, steps, key)
  return Outcome(variables, {})
