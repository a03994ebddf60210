"""The k-th largest magnitude by counting against sorting, on the CPU."""

import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from prunax.ops.thresholds import kth_magnitude

WEIGHTS, KEPT = 400_000, 8_000


def measure(rounds: int = 11) -> dict[str, Any]:
  """Milliseconds for one threshold of 400,000 float32 weights.

  Args:
    rounds: calls of either, in turn; the medians are over them, and `ratio` is
      the median of the sort's time by ours, round by round.
  """
  weights = jax.random.normal(jax.random.key(0), (WEIGHTS,))
  ours = jax.jit(lambda w: kth_magnitude(w, KEPT))
  sort = jax.jit(lambda w: jnp.sort(jnp.abs(w))[-KEPT])
  same = float(ours(weights)) == float(sort(weights))
  times = [
    (_milliseconds(ours, weights), _milliseconds(sort, weights))
    for _ in range(rounds)
  ]
  return {
    'weights': WEIGHTS,
    'kept': KEPT,
    'cores': os.cpu_count(),
    'rounds': rounds,
    'versions': {'jax': jax.__version__},
    'ours': statistics.median(a for a, _ in times),
    'sort': statistics.median(b for _, b in times),
    'ratio': statistics.median(b / a for a, b in times),
    'same': same,
  }


def _milliseconds(
  function: Callable[[jax.Array], jax.Array], weights: jax.Array
) -> float:
  start = time.perf_counter()
  function(weights).block_until_ready()
  return 1e3 * (time.perf_counter() - start)
