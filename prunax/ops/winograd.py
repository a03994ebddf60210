"""Minimal filtering: two outputs of an r-tap filter from r + 1 products."""

import functools
from typing import NamedTuple

import numpy as np


class Winograd(NamedTuple):
  """The three matrices of y = outputs @ ((taps @ k) * (inputs @ x)).

  Attributes:
    inputs: [r + 1, r + 1], for the signal x.
    taps: [r + 1, r], for the filter k.
    outputs: [2, r + 1]; y_p = sum_i x_{p+i} k_i.
  """

  inputs: np.ndarray
  taps: np.ndarray
  outputs: np.ndarray


@functools.cache
def winograd(r: int) -> Winograd:
  """The matrices of F(2, r), from the points 0, 1, -1, 2, -2 and infinity.

  Winograd, Arithmetic Complexity of Computations (1980); Lavin and Gray, Fast
  Algorithms for Convolutional Neural Networks (2015), equation 5.

  >>> f = winograd(3)
  >>> k, x = np.array([1.0, 2.0, 4.0]), np.array([1.0, 10.0, 100.0, 1000.0])
  >>> (f.outputs @ ((f.taps @ k) * (f.inputs @ x))).tolist()
  [421.0, 4210.0]

  Args:
    r: the number of taps, 2 to 5.
  """
  if not 2 <= r <= 5:
    raise ValueError(f'r must be from 2 to 5, got {r}')
  points = np.array([0.0, 1.0, -1.0, 2.0, -2.0][:r])
  inputs = np.zeros((r + 1, r + 1))
  taps = np.zeros((r + 1, r))
  for i, point in enumerate(points):
    others = np.delete(points, i)
    inputs[i, :r] = np.poly(others)[::-1]
    taps[i] = point ** np.arange(r) / np.prod(point - others)
  inputs[r] = np.poly(points)[::-1]
  taps[r, -1] = 1.0
  outputs = np.vstack([[*np.ones(r), 0.0], [*points, 1.0]])
  return Winograd(*(m.astype(np.float32) for m in (inputs, taps, outputs)))
