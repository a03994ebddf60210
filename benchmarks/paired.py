"""Two things timed side by side, so that a noisy machine spoils both alike."""

import time
from collections.abc import Callable
from typing import Any

import jax


def seconds(call: Callable[[], Any]) -> float:
  """How long one call takes until its result is there."""
  began = time.perf_counter()
  jax.block_until_ready(call())
  return time.perf_counter() - began


def ratio(
  ours: Callable[[], Any], theirs: Callable[[], Any], rounds: int
) -> dict[str, float]:
  """Median times in ms and the median of the rounds' ratios ours / theirs.

  Both are called once before, and in turn afterwards.
  """
  seconds(ours), seconds(theirs)
  pairs = []
  for i in range(rounds):
    calls = (ours, theirs) if i % 2 else (theirs, ours)
    first, second = (seconds(call) for call in calls)
    pairs.append((first, second) if i % 2 else (second, first))
  return {
    'ours_ms': 1e3 * middle([a for a, _ in pairs]),
    'theirs_ms': 1e3 * middle([b for _, b in pairs]),
    'ratio': middle([a / b for a, b in pairs]),
  }


def middle(values: list[float]) -> float:
  """The upper median."""
  return sorted(values)[len(values) // 2]
