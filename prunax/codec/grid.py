"""Positions of what is alive, bit by bit in a grid, for small leaves."""

from typing import NamedTuple

import numpy as np

from prunax.codec.coder import Coder
from prunax.codec.mixing import Mixed

# Weights of the contexts at first, of 65,536. In one plane: what was seen in
# the row, in the column, and next to the place.
_FLAT = (39_000, 39_000, 13_000)
# In several: in the row, in the column, in its parts within the plane and
# across planes, in the plane, in the row across planes, and next to the place
# in two ways.
_DEEP = (20_000, 39_000, 20_000, 20_000, 6_000, 13_000, 20_000, 20_000)

# Beyond these many symbols a loop that learns would take too long.
MOST_ADAPTIVE = 50_000


class Grid(NamedTuple):
  """How a leaf's entries are laid out: `planes` of `rows` by `columns`."""

  planes: int
  rows: int
  columns: int

  @property
  def size(self) -> int:
    return self.planes * self.rows * self.columns


def flags(coder: Coder, alive: np.ndarray, size: int) -> np.ndarray:
  """Writes or reads which slices of an axis have anything alive."""
  model, before, found = Mixed(coder, ()), 0, np.zeros(size, bool)
  coder.expect(size)
  for i in range(size):
    before = model.code(int(alive[i]), before, ())
    found[i] = before
  return found


def alive_along(mask: np.ndarray, axis: int) -> np.ndarray:
  """Which slices of an axis have anything alive."""
  return np.asarray(mask.any(tuple({*range(mask.ndim)} - {axis})))


def code(coder: Coder, mask: np.ndarray, grid: Grid) -> np.ndarray:
  """Writes or reads which entries are alive.

  Args:
    coder: an encoder or a decoder.
    mask: what is written, in the grid's shape, with something alive; for a
      decoder, anything.
    grid: the layout.

  Returns:
    The mask.
  """
  # The one plane that a leaf has at least comes on top.
  if sum(grid) > MOST_ADAPTIVE + 1:
    raise ValueError(f'{sum(grid)} rows, columns and planes')
  kept = []
  for axis, size in enumerate(grid):
    alive = alive_along(mask, axis)
    # Something is alive, so that a single slice needs no flag.
    known = np.ones(1, bool) if size == 1 else flags(coder, alive, size)
    kept.append(np.flatnonzero(known))
  found = np.zeros(grid, bool)
  block, inner = np.ix_(*kept), Grid(*map(len, kept))
  if not 0 < inner.size <= MOST_ADAPTIVE:
    raise ValueError(f'{inner.size} places')
  if inner.size == max(inner):
    # In a line of what is alive, everything is.
    found[block] = True
    return found
  coder.expect(inner.size)
  written = mask[block].astype(np.uint8).tolist()
  code_block = _deep if inner.planes > 1 else _flat
  found[block] = code_block(coder, written, inner)
  return found


def _flat(coder: Coder, written: list, grid: Grid) -> np.ndarray:
  """The bits of one plane."""
  model, found = Mixed(coder, _FLAT), np.zeros(grid, np.uint8)
  above = [0] * grid.columns
  for i in range(grid.rows):
    here: list[int] = []
    row, left = written[0][i], 0
    for k in range(grid.columns):
      left = model.code(row[k], 0, (i, k, 2 * left + above[k]))
      here.append(left)
    found[0, i] = above = here
  return found


def _deep(coder: Coder, written: list, grid: Grid) -> np.ndarray:
  """The bits of several planes."""
  planes, rows, columns = grid
  model = Mixed(coder, _DEEP)
  found = np.zeros((planes + 1, rows + 2, columns), np.uint8)
  for i in range(planes):
    behind = found[i].tolist()
    above = [0] * columns
    for j in range(rows):
      left, here = 0, []
      row = written[i][j]
      before, back, after = behind[j : j + 3]
      for k in range(columns):
        left = model.code(
          row[k],
          0,
          (
            i * rows + j,
            k,
            i * columns + k,
            j * columns + k,
            i,
            j,
            4 * back[k] + 2 * above[k] + left,
            back[k] + above[k] + before[k] + after[k],
          ),
        )
        here.append(left)
      found[i + 1, j + 1] = above = here
  return found[1:, 1:-1]
