"""Where to cut sorted values so that the squared error is the least.

The cost of a cluster obeys the quadrangle inequality, so in the dynamic
programme over the number of clusters (Wang and Song 2011) the best
predecessors ascend, and all of a step are found by divide and conquer (Gronlund
et al. 2017). Here each cut is first sought among blocks of positions, by a
bound from below: what lies in the block of a cut costs nothing. A block whose
bound exceeds the cost of a solution at hand is done with, the others are split.
"""

import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

# Blocks to a cluster at first, and the parts that a block is split into.
_BLOCKS = 4
_PARTS = 8


class Sums(NamedTuple):
  """Sums over the first i values, i from 0 to n, of w, w v and w v^2."""

  values: np.ndarray
  weight: np.ndarray
  first: np.ndarray
  second: np.ndarray

  def cost(self, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The squared error of one level for [start, end); nothing if empty."""
    weight = self.weight[end] - self.weight[start]
    first = self.first[end] - self.first[start]
    second = self.second[end] - self.second[start]
    # Rounding leaves a sum of tiny weights at 0, or a difference below it.
    mean = first / np.where(weight > 0, weight, np.inf)
    return np.where(end > start, np.maximum(second - first * mean, 0), 0)


def sums_of(values: np.ndarray, weights: np.ndarray) -> Sums:
  """The sums over sorted values, about their mean for precision."""
  centred = values - np.average(values, weights=weights)

  def summed(x: np.ndarray) -> np.ndarray:
    # The carries of long double keep small clusters apart from rounding.
    return np.concatenate([[0.0], np.cumsum(x, dtype=np.longdouble)])

  return Sums(
    centred,
    *(
      summed(x).astype(np.float64)
      for x in (weights, weights * centred, weights * centred**2)
    ),
  )


def row_minima(
  rows: int,
  columns: int,
  entry: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
  """The least entry of each row and its column, where columns ascend.

  All rows of one depth of the divide and conquer are searched at once.

  >>> row_minima(3, 9, lambda i, j: (2 * i - j + 1) ** 2)[1].tolist()
  [1, 3, 5]

  Args:
    rows: how many there are.
    columns: the same.
    entry: (row indices, column indices) -> the entries there.
  """
  least = np.empty(rows)
  # One row before the first and one after the last, which bound the search.
  found = np.zeros(rows + 2, np.int64)
  found[-1] = columns - 1
  stride = 1 << max(rows.bit_length() - 1, 0)
  while stride:
    at = np.arange(stride, rows + 1, 2 * stride)
    low = found[at - stride]
    high = found[np.minimum(at + stride, rows + 1)]
    length = high - low + 1
    ends = np.cumsum(length)
    begins = ends - length
    column = np.repeat(low - begins, length) + np.arange(ends[-1])
    value = entry(np.repeat(at - 1, length), column)
    best = np.minimum.reduceat(value, begins)
    first = np.where(value == np.repeat(best, length), column, columns)
    least[at - 1] = best
    found[at] = np.minimum.reduceat(first, begins)
    stride //= 2
  return least, found[1:-1]


class _Blocks(NamedTuple):
  """Where one cut may lie: from `low` to `high`, both included, a block."""

  low: np.ndarray
  high: np.ndarray

  def split(self, alive: np.ndarray) -> '_Blocks':
    """The parts of the blocks that are alive."""
    low, size = self.low[alive], (self.high - self.low)[alive] + 1
    bounds = low[:, None] + size[:, None] * np.arange(_PARTS + 1) // _PARTS
    starts, ends = bounds[:, :-1].ravel(), bounds[:, 1:].ravel()
    filled = ends > starts
    return _Blocks(starts[filled], ends[filled] - 1)


def _grid(bounds: np.ndarray) -> np.ndarray:
  """Each stretch between two bounds in _BLOCKS parts.

  Of clusters at hand, since where values are sparse a block has to be small.
  """
  size = np.diff(bounds)
  parts = bounds[:-1, None] + size[:, None] * np.arange(_BLOCKS) // _BLOCKS
  return np.unique(np.append(parts, bounds[-1]))


def _step(
  cost: Callable[[np.ndarray, np.ndarray], np.ndarray],
  so_far: np.ndarray,
  rows: np.ndarray,
  columns: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
  """For each row the least so_far + cost over the columns, and where it is."""
  return row_minima(
    len(rows),
    len(columns),
    lambda i, j: so_far[j] + cost(rows[i], columns[j]),
  )


def _forward(
  sums: Sums, blocks: list[_Blocks]
) -> tuple[list[np.ndarray], list[np.ndarray]]:
  """What all before each block costs at least, and its best predecessor."""

  def cost(end: np.ndarray, start: np.ndarray) -> np.ndarray:
    return sums.cost(start, end)

  least = [sums.cost(np.zeros(1, np.int64), blocks[0].low)]
  came = []
  for before, here in itertools.pairwise(blocks):
    minima, found = _step(cost, least[-1], here.low, before.high)
    least.append(minima)
    came.append(found)
  return least, came


def _backward(sums: Sums, blocks: list[_Blocks]) -> list[np.ndarray]:
  """What all behind each block costs at least."""
  least = [sums.cost(blocks[-1].high, np.array([len(sums.values)]))]
  for behind, here in itertools.pairwise(blocks[::-1]):
    minima, _ = _step(sums.cost, least[-1], here.high, behind.low)
    least.append(minima)
  return least[::-1]


def _path(
  blocks: list[_Blocks], last: np.ndarray, came: list[np.ndarray]
) -> np.ndarray:
  """The first positions of the blocks on the best way to the end."""
  at = np.argmin(last)
  cuts = [blocks[-1].low[at]]
  for here, found in zip(blocks[-2::-1], came[::-1], strict=True):
    at = found[at]
    cuts.append(here.low[at])
  return np.array(cuts[::-1])


def settled(sums: Sums, cuts: np.ndarray, passes: int = 100) -> np.ndarray:
  """Cuts that Lloyd's passes move no more: between two means, half-way."""
  n = len(sums.values)
  for _ in range(passes):
    cuts = np.unique(cuts[(cuts > 0) & (cuts < n)])
    bounds = np.concatenate([[0], cuts, [n]])
    weight = np.diff(sums.weight[bounds])
    means = np.diff(sums.first[bounds]) / np.where(weight > 0, weight, np.inf)
    moved = np.searchsorted(sums.values, (means[1:] + means[:-1]) / 2, 'right')
    if np.array_equal(moved, cuts):
      break
    cuts = moved
  return cuts


def total(sums: Sums, cuts: np.ndarray) -> float:
  """The squared error of all clusters between cuts."""
  bounds = np.concatenate([[0], np.sort(cuts), [len(sums.values)]])
  return float(np.sum(sums.cost(bounds[:-1], bounds[1:])))


def optimal_cuts(sums: Sums, k: int) -> np.ndarray:
  """The k - 1 positions, ascending, between clusters of the least error.

  >>> values = np.array([1.0, 2.0, 10.0, 11.0, 30.0])
  >>> optimal_cuts(sums_of(values, np.ones(5)), 3).tolist()
  [2, 4]

  Args:
    sums: over at least k sorted values.
    k: the number of clusters.
  """
  n = len(sums.values)
  if k == 1:
    return np.zeros(0, np.int64)
  best = settled(sums, np.arange(1, k) * n // k)
  cheapest = total(sums, best)
  grid = _grid(np.concatenate([[0], best, [n]]))
  blocks = [_Blocks(grid[:-1], grid[1:] - 1)] * (k - 1)
  rounding = 1e-14 * sums.weight[-1] * np.max(sums.values**2)
  end = np.array([n])
  while True:
    least, came = _forward(sums, blocks)
    ending = least[-1] + sums.cost(blocks[-1].high, end)
    cuts = _path(blocks, ending, came)
    for found in (cuts, settled(sums, cuts)):
      if total(sums, found) < cheapest:
        best, cheapest = found, total(sums, found)
    if all(np.array_equal(b.low, b.high) for b in blocks):
      return np.sort(best)
    limit = cheapest * (1 + 1e-6) + rounding
    blocks = [
      b.split(a + c <= limit)
      for b, a, c in zip(blocks, least, _backward(sums, blocks), strict=True)
    ]
