"""The k-th largest magnitude by counting against sorting, on the CPU."""

from typing import Any

import jax
import jax.numpy as jnp

from benchmarks import paired
from prunax.ops.thresholds import kth_magnitude

WEIGHTS, KEPT = 400_000, 8_000


def measure(rounds: int = 11) -> dict[str, Any]:
  """Milliseconds for one threshold of 400,000 float32 weights.

  `ratio` is the median over the rounds of the sort's time by ours, and `same`
  tells whether the two thresholds are equal.

  Args:
    rounds: calls of either, in turn.
  """
  weights = jax.random.normal(jax.random.key(0), (WEIGHTS,))

  @jax.jit
  def count(weights: jax.Array) -> jax.Array:
    return kth_magnitude(weights, KEPT)

  @jax.jit
  def sort(weights: jax.Array) -> jax.Array:
    return jnp.sort(jnp.abs(weights))[-KEPT]

  pair = paired.ratio(lambda: sort(weights), lambda: count(weights), rounds)
  row = {
    'weights': WEIGHTS,
    'kept': KEPT,
    'ours_ms': pair['theirs_ms'],
    'sort_ms': pair['ours_ms'],
    'ratio': pair['ratio'],
    'same': bool(count(weights) == sort(weights)),
  }
  return {'kth_magnitude': row}
