"""Which entries of a leaf are alive: empty lines first, then the places."""

import numpy as np

from prunax.codec import ans, grid
from prunax.codec.bits import Cursor
from prunax.codec.coder import Coder, Decoder, Encoder
from prunax.codec.grid import MOST_ADAPTIVE, Grid

# Layouts that are tried in full, besides the plain one.
_TRIED = 4


def flat(shape: tuple[int, ...]) -> Grid:
  """One plane: the last axis are the columns.

  >>> flat((5, 5, 20, 50))
  Grid(planes=1, rows=500, columns=50)
  """
  columns = shape[-1] if shape else 1
  size = int(np.prod(shape, dtype=np.int64))
  return Grid(1, size // max(columns, 1), columns)


def split(plain: Grid, planes: int) -> Grid:
  """The same entries in several planes."""
  if planes < 1 or plain.rows % planes:
    raise ValueError(f'{plain.rows} rows in {planes} planes')
  return Grid(planes, plain.rows // planes, plain.columns)


def _spread(mask: np.ndarray) -> int:
  """Roughly how many bits a layout costs: fewer where entries cluster."""
  total = 0.0
  for axis in range(3):
    alive = grid.alive_along(mask, axis)
    total += len(alive) * _entropy(alive.mean())
    mask = np.compress(alive, mask, axis=axis)
  near = np.zeros(mask.shape, np.uint8)
  near[1:] += mask[:-1]
  near[:, 1:] += mask[:, :-1]
  for count in range(3):
    here = mask[near == count]
    total += len(here) * _entropy(here.mean() if len(here) else 0.0)
  # Whole bits, lest another machine's logarithm decide between equals.
  return round(total)


def _entropy(chance: float) -> float:
  if not 0 < chance < 1:
    return 0.0
  return float(-chance * np.log2(chance) - (1 - chance) * np.log2(1 - chance))


def _places(mask: np.ndarray) -> int:
  """How many places a layout has without its empty slices."""
  size = 1
  for axis in range(3):
    size *= int(grid.alive_along(mask, axis).sum())
  return size


def layouts(mask: np.ndarray) -> list[int]:
  """Numbers of planes that are worth trying, the plain one first."""
  plain = flat(mask.shape)
  cost = {}
  for planes in range(2, plain.rows // 2 + 1):
    if plain.rows % planes == 0:
      laid = mask.reshape(split(plain, planes))
      if _places(laid) <= MOST_ADAPTIVE:
        cost[planes] = _spread(laid)
  return [1, *sorted(cost, key=cost.__getitem__)[:_TRIED]]


def adaptive(mask: np.ndarray, most: int) -> bool:
  """Whether what is left without empty rows and columns is small.

  Args:
    mask: what is alive.
    most: how many bits its flags and places may be in all.
  """
  table = mask.reshape(flat(mask.shape)[1:])
  rows, columns = (grid.alive_along(table, axis) for axis in (0, 1))
  lines, places = sum(table.shape), int(rows.sum()) * int(columns.sum())
  # A layout of several planes may have more places than the plain one.
  return max(lines, places) <= MOST_ADAPTIVE and lines + MOST_ADAPTIVE <= most


def code(coder: Coder, mask: np.ndarray, layout: Grid) -> np.ndarray:
  """Writes or reads the positions of a small leaf, flattened."""
  return grid.code(coder, mask.reshape(layout), layout).reshape(-1)


def encode(mask: np.ndarray, flags: int) -> tuple[bytes, int]:
  """The positions of a large leaf: empty lines, then eight at a time.

  Args:
    mask: what is alive.
    flags: how many lines may be coded by learning.

  Returns:
    The bytes, and how many lines were.
  """
  table = mask.reshape(flat(mask.shape)[1:])
  out, kept, asked = b'', [], 0
  for axis in (0, 1):
    alive = grid.alive_along(table, axis)
    # As many as fit a loop: lines beyond it are coded as they are.
    known = len(alive) <= min(MOST_ADAPTIVE, flags - asked)
    known = known and not alive.all()
    coder = Encoder()
    if known:
      grid.flags(coder, alive, len(alive))
    asked += coder.asked
    written = coder.finish()
    out += bytes([known]) + len(written).to_bytes(4, 'little') + written
    kept.append(alive if known else np.ones(len(alive), bool))
  block = table[np.ix_(*kept)] if not all(k.all() for k in kept) else table
  return out + ans.encode(np.packbits(block)), asked


def decode(cursor: Cursor, shape: tuple[int, ...]) -> tuple[np.ndarray, int]:
  """The mask that `encode` wrote, flattened, and how many lines learnt."""
  plain = flat(shape)
  if not plain.size:
    # One of the sizes may be huge then, and nothing can be alive.
    raise ValueError('positions in a leaf of no entries')
  kept, asked = [], 0
  for size in plain[1:]:
    known = cursor.take(1)[0]
    written = cursor.take(int.from_bytes(cursor.take(4), 'little'))
    if known > 1 or (known and size > MOST_ADAPTIVE):
      raise ValueError(f'{size} flags')
    flags, coder = np.ones(size, bool), Decoder(written)
    kept.append(grid.flags(coder, flags, size) if known else flags)
    asked += coder.asked
  count = int(kept[0].sum()) * int(kept[1].sum())
  packed = ans.decode(cursor, (count + 7) // 8, 256)
  bits = np.unpackbits(packed, count=count).view(bool)
  if count == plain.size:
    return bits, asked
  mask = np.zeros(plain[1:], bool)
  mask[np.ix_(*kept)] = bits.reshape([int(k.sum()) for k in kept])
  return mask.reshape(-1), asked
