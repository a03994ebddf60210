"""What a program's arrays hold where they are cut, whatever the input."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from prunax.shrinking.rule import Profile, unknown


class Seen:
  """One array: what is cut of it, and what it holds there."""

  def __init__(
    self,
    shape: tuple[int, ...],
    dtype: Any,
    cut: Sequence[np.ndarray],
    profile: Callable[[int], Profile],
    concrete: Callable[[], np.ndarray | None] = lambda: None,
  ):
    self.shape, self.dtype = shape, dtype
    self._cut, self._profile, self._concrete = cut, profile, concrete
    self._profiles: dict[int, Profile] = {}

  def cut(self, axis: int) -> np.ndarray:
    """Which positions of an axis are cut."""
    return self._cut[axis]

  @functools.cached_property
  def concrete(self) -> np.ndarray | None:
    """The array, where it depends on no input."""
    return self._concrete()

  def profile(self, axis: int) -> Profile:
    """What it holds at the positions of an axis that are cut."""
    if axis not in self._profiles:
      self._profiles[axis] = self._found(axis)
    return self._profiles[axis]

  def _found(self, axis: int) -> Profile:
    gone = self._cut[axis]
    if not gone.any():
      return unknown(len(gone), plain_dtype(self.dtype))
    if self.concrete is None:
      held = self._profile(axis)
      return Profile(held.values, held.known & gone)
    rows = np.moveaxis(self.concrete, axis, 0).reshape(len(gone), -1)
    if not rows.shape[1]:
      return unknown(len(gone), rows.dtype)
    return Profile(rows[:, 0], gone & (rows == rows[:, :1]).all(1))


def anywhere(x: Any, n: int) -> Profile:
  """What an array holds along an axis of n positions that it has not."""
  if x.concrete is None or not x.concrete.size:
    return unknown(n, plain_dtype(x.dtype))
  first = x.concrete.flat[0]
  same = bool(np.all(x.concrete == first))
  return Profile(np.full(n, first), np.full(n, same))


def plain_dtype(dtype: Any) -> Any:
  try:
    return np.dtype(dtype)
  except TypeError:
    # Keys of random numbers.
    return np.float32
