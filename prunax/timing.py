"""How long a model's compiled call takes on this machine."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from prunax.schedules.numbers import whole
from prunax.shrinking import model

_WARM_UP = 5


class Latency(NamedTuple):
  """How long calls took, in milliseconds.

  Attributes:
    median: half of them took less.
    low: a quarter of them took less.
    high: a quarter of them took more.
    calls: how many were timed.
  """

  median: float
  low: float
  high: float
  calls: int


def latency(
  apply: Callable[..., Any],
  variables: Any,
  *example: Any,
  calls: int = 50,
  **kwargs: Any,
) -> Latency:
  """Milliseconds of one compiled call, measured here and now.

  The call is compiled and warmed up before; each one is waited for, so that
  what it costs to start one on the device counts, too. Other programs on the
  machine, and other sizes of the batch, change the number.

  >>> net = {'a': np.ones((3, 4), 'f')}
  >>> took = latency(lambda v, x: x @ v['a'], net, np.ones((2, 3), 'f'))
  >>> 0 < took.low <= took.median <= took.high
  True

  Args:
    apply: a pure function of (variables, *example, **kwargs).
    variables: any tree of arrays.
    *example: what else it is called with; zeros where it has a shape alone.
    calls: how many are timed.
    **kwargs: what `apply` is called with by name.
  """
  whole('calls', calls, 1)
  call = model.call_of(example, kwargs)

  def run(variables: Any, arrays: list[Any]) -> Any:
    args, named = call.rebuilt(arrays)
    return apply(variables, *args, **named)

  # Refuses what cannot be traced, in a sentence.
  model.trace(apply, variables, call)
  arrays = [_filled(x) for x in call.arrays]
  given = jax.device_put((jax.tree.map(_filled, variables), arrays))
  compiled = jax.jit(run).lower(*given).compile()
  for _ in range(_WARM_UP):
    jax.block_until_ready(compiled(*given))
  took = []
  for _ in range(calls):
    began = time.perf_counter()
    jax.block_until_ready(compiled(*given))
    took.append(1e3 * (time.perf_counter() - began))
  low, median, high = np.percentile(took, (25, 50, 75)).tolist()
  return Latency(median, low, high, calls)


def _filled(x: Any) -> Any:
  only_shape = isinstance(x, jax.ShapeDtypeStruct)
  return jnp.zeros(x.shape, x.dtype) if only_shape else x
