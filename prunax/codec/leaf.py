"""One leaf: its bytes, by the shortest of the codings, and its array."""

import enum
from typing import NamedTuple

import numpy as np

from prunax.codec import patterns, positions, values
from prunax.codec.patterns import Fields
from prunax.codec.streams import (
  MOST_SYMBOLS,
  LargeReader,
  LargeWriter,
  Places,
  Reader,
  SmallReader,
  SmallWriter,
  Writer,
)
from prunax.codec.values import Way

# How many bits a file may code by learning, lest a few bytes take minutes.
MOST_LEARNT = 1 << 21

# Sign and exponent of an entry of a codebook, and of its index.
_MOST_A_VALUE = 24


class Coding(enum.IntEnum):
  """How a leaf is coded as a whole; the numbers stand in files."""

  ZERO = 0
  DENSE = 1
  SMALL = 2
  LARGE = 3


class Budget(NamedTuple):
  """Where the bytes of a leaf go, its check not counted."""

  positions: int = 0
  values: int = 0
  codebook: int = 0

  @property
  def total(self) -> int:
    return sum(self)


class Coded(NamedTuple):
  """The bytes of a leaf, and how many bits of it are coded by learning."""

  coding: Coding
  payload: bytes
  budget: Budget
  asked: int = 0
  way: Way | None = None

  @property
  def said(self) -> str:
    """The coding in words."""
    if self.way is None:
      return self.coding.name.lower()
    return f'{self.coding.name} {self.way.name}'.lower()


def _grid_shape(x_shape: tuple[int, ...], pairs: bool) -> tuple[int, ...]:
  """The shape of a leaf's patterns: a complex entry has two."""
  return (*x_shape, 2) if pairs else x_shape


def encode(x: np.ndarray, most: int = MOST_LEARNT) -> Coded:
  """The fewest bytes that any coding needs for an array.

  >>> coded = encode(np.array([[0.5, 0.0], [0.0, 0.25]], np.float32))
  >>> coded.coding.name, len(coded.payload), coded.budget.total
  ('SMALL', 7, 7)

  Args:
    x: an array of a type that `patterns.number` knows.
    most: how many bits it may code by learning.
  """
  found = patterns.of(x)
  shape = _grid_shape(x.shape, x.dtype.kind == 'c')
  mask = (found != 0).reshape(shape)
  if not mask.any():
    return Coded(Coding.ZERO, b'', Budget())
  raw = found.tobytes()
  best = Coded(Coding.DENSE, raw, Budget(values=len(raw)))
  fields = patterns.fields(x.dtype)
  alive = found[mask.reshape(-1)]
  left = most - _MOST_A_VALUE * len(alive) - 1
  if len(alive) <= MOST_SYMBOLS and positions.adaptive(mask, left):
    tried = _small(mask, alive, fields)
  else:
    tried = _large(mask, alive, fields, most)
  return min(best, tried, key=lambda coded: len(coded.payload))


def _places(mask: np.ndarray, count: int) -> Places:
  """Where values lie, if they are so few that they learn from it."""
  if count > MOST_SYMBOLS:
    return values.nowhere(0)
  at = np.flatnonzero(mask)
  columns = positions.flat(mask.shape).columns
  return Places(at % columns, at // columns)


def _ways(
  alive: np.ndarray, fields: Fields | None, known: np.ndarray
) -> list[Way]:
  ways = [Way.PACKED]
  if fields is not None:
    ways.append(Way.FLOAT)
  if len(known) < min(len(alive), values.MOST_ENTRIES + 1):
    ways.append(Way.CODEBOOK)
  return ways


def _written(
  writer: Writer,
  mask: np.ndarray,
  planes: int,
  way: Way,
  alive: np.ndarray,
  fields: Fields | None,
  known: np.ndarray,
) -> Budget:
  """Writes a leaf in one way; 0 planes where all entries are alive."""
  writer.number(planes * len(Way) + way)
  if planes:
    writer.positions(mask, planes)
  placed = writer.size()
  values.write(writer, way, alive, fields, _places(mask, len(alive)), known)
  codebook = 0
  if way is Way.CODEBOOK:
    apart = type(writer)()
    values.write_entries(apart, known, fields)
    codebook = apart.size()
  return Budget(placed, writer.size() - placed - codebook, codebook)


def _small(mask: np.ndarray, alive: np.ndarray, fields: Fields | None) -> Coded:
  known = values.entries(alive, fields)
  planes = 0 if mask.all() else _best_layout(mask)
  found = []
  for way in _ways(alive, fields, known):
    writer = SmallWriter()
    budget = _written(writer, mask, planes, way, alive, fields, known)
    payload = writer.finish()
    # What the coder still held belongs to the values.
    rest = len(payload) - budget.total
    budget = budget._replace(values=budget.values + rest)
    found.append(Coded(Coding.SMALL, payload, budget, writer.asked(), way))
  return min(found, key=lambda coded: len(coded.payload))


def _best_layout(mask: np.ndarray) -> int:
  def size(planes: int) -> int:
    writer = SmallWriter()
    writer.positions(mask, planes)
    return len(writer.finish())

  return min(positions.layouts(mask), key=size)


def _large(
  mask: np.ndarray, alive: np.ndarray, fields: Fields | None, most: int
) -> Coded:
  known = values.entries(alive, fields)
  way = min(
    _ways(alive, fields, known),
    key=lambda way: round(_estimate(way, alive, fields, known)),
  )
  writer = LargeWriter(most)
  planes = 0 if mask.all() else 1
  budget = _written(writer, mask, planes, way, alive, fields, known)
  return Coded(Coding.LARGE, writer.finish(), budget, writer.asked(), way)


def _entropy(symbols: np.ndarray) -> float:
  counts = np.unique(symbols, return_counts=True)[1]
  return float(-(counts * np.log2(counts / counts.sum())).sum())


def _estimate(
  way: Way, alive: np.ndarray, fields: Fields | None, known: np.ndarray
) -> float:
  """Roughly how many bits the values cost."""
  bits = 8 * alive.dtype.itemsize
  if way is Way.CODEBOOK:
    return _entropy(alive) + len(known) * bits
  if way is Way.FLOAT and fields is not None:
    exponents = alive.astype(np.uint64) >> np.uint64(fields.mantissa)
    return _entropy(exponents) + len(alive) * fields.mantissa
  return len(alive) * int(alive.max() - alive.min()).bit_length()


def decode(
  coding: int, payload: bytes, shape: tuple[int, ...], dtype: np.dtype
) -> tuple[np.ndarray, int]:
  """The array that `encode` made bytes of, and how many bits it learnt."""
  part = patterns.part(dtype)
  grid_shape = _grid_shape(shape, dtype.kind == 'c')
  size = int(np.prod(grid_shape, dtype=np.int64))
  if coding == Coding.DENSE:
    if len(payload) != size * part.itemsize:
      raise ValueError(f'{len(payload)} bytes')
    # A copy, since what lies on bytes could not be written to.
    dense = np.frombuffer(payload, part).copy()
    return patterns.back(dense, shape, dtype), 0
  found, asked = np.zeros(size, part), 0
  if coding != Coding.ZERO:
    reader: Reader = (
      SmallReader(payload) if coding == Coding.SMALL else LargeReader(payload)
    )
    _read(reader, found, grid_shape, patterns.fields(dtype))
    reader.finish()
    asked = reader.asked()
  elif payload:
    raise ValueError('bytes of a leaf of zeros')
  return patterns.back(found, shape, dtype), asked


def _read(
  reader: Reader,
  found: np.ndarray,
  shape: tuple[int, ...],
  fields: Fields | None,
) -> None:
  """Puts what is alive where it belongs."""
  planes, way = divmod(reader.number(), len(Way))
  mask = np.ones(len(found), bool)
  if planes:
    mask = reader.positions(shape, planes)
  count = int(np.count_nonzero(mask))
  if planes and not count:
    raise ValueError('nothing is alive')
  at = _places(mask.reshape(shape), count)
  found[mask] = values.read(reader, Way(way), count, fields, at, found.dtype)
