"""Exact k-means in one dimension, of many values and of weighted ones."""

import time
from typing import Any

import numpy as np

from benchmarks.paired import middle
from prunax.ops import codebook

VALUES, LEVELS = 1_000_000, 32
_MOST_ROUNDS = 5


def _seconds(values: np.ndarray, weights: np.ndarray | None) -> float:
  began = time.perf_counter()
  codebook.exact(values, LEVELS, weights)
  return time.perf_counter() - began


def measure(rounds: int = _MOST_ROUNDS) -> dict[str, Any]:
  """Seconds for a million normal float32 values, the median of the rounds.

  `squared_error` is that of the levels over that of Lloyd's passes from evenly
  spaced levels.

  Args:
    rounds: calls, at most 5.
  """
  rng = np.random.default_rng(0)
  values = rng.normal(size=VALUES).astype(np.float32)
  weights = rng.random(VALUES)
  times = min(rounds, _MOST_ROUNDS)
  squares = [
    float(np.square(found.snapped - values, dtype=np.float64).sum())
    for found in (
      codebook.exact(values, LEVELS),
      codebook.lloyd(values, LEVELS),
    )
  ]
  row = {
    'values': VALUES,
    'levels': LEVELS,
    'seconds': middle([_seconds(values, None) for _ in range(times)]),
    'weighted_seconds': middle(
      [_seconds(values, weights) for _ in range(times)]
    ),
    'squared_error': squares[0] / squares[1],
  }
  return {'exact_k_means': row}
