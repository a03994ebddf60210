"""Stages without training, that make a network cheaper to store."""

from typing import Any

import jax
import numpy as np

from prunax import lossy, paths, shrinking, tree
from prunax.errors import InputError
from prunax.shrinking.units import Chain
from prunax.stages.types import Outcome, Task

# On how many examples the outputs are compared, and by how much of the
# largest they may differ: sums in another order.
_COMPARED, _ROUNDING = 500, 1e-4


def tidy(
  task: Task, variables: Any, key: jax.Array, *, chain: Chain
) -> Outcome:
  """Removes weights that no output depends on, and orders hidden units.

  The outputs before and after are compared, and a chain that does not fit the
  network is refused.

  Args:
    task: what the outputs are compared on.
    variables: the weights.
    key: not used.
    chain: pairs of layers, as for `shrinking.in_order`.
  """
  del key
  model = task.model
  if model.statistics is not None:
    raise InputError(
      'tidying must get a model of rectifiers and poolings, got'
      f' {model.name!r}, which normalizes batches: leave the stage out'
    )
  masks = paths.used(model.apply, variables, model.input_shape)
  kept = jax.tree.map(
    lambda x, m: np.where(m, x, 0).astype(x.dtype), variables, masks
  )
  tidied = shrinking.in_order(kept, chain)
  _compare(task, variables, tidied)
  before, after = (
    sum(leaf.alive for leaf in tree.count(v)) for v in (variables, tidied)
  )
  return Outcome(tidied, {'unused': before - after})


def rounding(task: Task, variables: Any, key: jax.Array, *, to: str) -> Outcome:
  """Rounds float32 weights to what a narrower float can hold.

  Args:
    task: not used.
    variables: the weights.
    key: not used.
    to: 'float16' or 'bfloat16'.
  """
  del task, key
  return Outcome(lossy.rounded(variables, to), {})


def _compare(task: Task, before: Any, after: Any) -> None:
  """Refuses outputs that are more than rounding apart."""
  x = task.examples.scale(task.examples.x[:_COMPARED])
  one, other = (task.model.apply(v, x, train=False) for v in (before, after))
  apart = float(np.max(np.abs(one - other)))
  # Written so that a NaN is refused.
  if not apart <= _ROUNDING * float(np.max(np.abs(one))):
    raise InputError(
      'tidying must not change the outputs, but they are'
      f' {apart:.3g} apart: mend the chain of layers'
    )
