"""The values of what is alive, as bit patterns, by the shortest of the ways."""

import enum

import numpy as np

from prunax.codec.patterns import Fields
from prunax.codec.streams import Places, Reader, Writer

# Beyond these many entries a codebook would not pay.
MOST_ENTRIES = 4096


class Way(enum.IntEnum):
  """How values are coded; the numbers stand in files."""

  PACKED = 0
  FLOAT = 1
  CODEBOOK = 2


def nowhere(count: int) -> Places:
  """Places of values that have none, such as a codebook's."""
  nothing = np.zeros(count, np.int64)
  return Places(nothing, nothing)


def _width(largest: int) -> int:
  return largest.bit_length()


def entries(values: np.ndarray, fields: Fields | None) -> np.ndarray:
  """The distinct patterns, in the order of the numbers they stand for."""
  found = np.unique(values)
  if fields is None:
    return found
  negative = found >> (fields.exponent + fields.mantissa) != 0
  return np.concatenate((found[negative][::-1], found[~negative]))


def write(
  writer: Writer,
  way: Way,
  values: np.ndarray,
  fields: Fields | None,
  at: Places,
  known: np.ndarray | None = None,
) -> None:
  """Writes patterns, at least one, without saying which way.

  Args:
    writer: takes them.
    way: FLOAT needs fields, CODEBOOK the distinct patterns.
    values: unsigned whole numbers.
    fields: the parts of the float that they are, if they are.
    at: their places.
    known: their distinct patterns, by `entries`.
  """
  if way is Way.PACKED:
    least = int(values.min())
    width = _width(int(values.max()) - least)
    writer.number(least)
    writer.number(width)
    writer.plain(values - values.dtype.type(least), width)
  elif way is Way.FLOAT:
    assert fields is not None
    _write_floats(writer, values, fields, at)
  else:
    assert known is not None
    _write_by_codebook(writer, values, known, fields, at)


def _write_floats(
  writer: Writer, values: np.ndarray, fields: Fields, at: Places
) -> None:
  """Exponents and signs as symbols, and as much of mantissas as is used."""
  wide = values.astype(np.uint64)
  mantissa = wide & np.uint64((1 << fields.mantissa) - 1)
  exponent = wide >> np.uint64(fields.mantissa)
  sign = exponent >> np.uint64(fields.exponent)
  exponent &= np.uint64((1 << fields.exponent) - 1)
  used = int(np.bitwise_or.reduce(mantissa))
  unused = (used & -used).bit_length() - 1 if used else fields.mantissa
  least, most = int(exponent.min()), int(exponent.max())
  writer.number(fields.mantissa - unused)
  writer.number(least)
  writer.number(_width(most - least))
  symbols = (exponent - np.uint64(least)).astype(np.int64)
  writer.symbols(symbols, _width(most - least), at)
  writer.symbols(sign.astype(np.int64), 1, at)
  writer.plain(mantissa >> np.uint64(unused), fields.mantissa - unused)


def _write_by_codebook(
  writer: Writer,
  values: np.ndarray,
  known: np.ndarray,
  fields: Fields | None,
  at: Places,
) -> None:
  order = np.argsort(known)
  indices = order[np.searchsorted(known[order], values)]
  write_entries(writer, known, fields)
  writer.symbols(indices, _width(len(known) - 1), at)


def write_entries(
  writer: Writer, known: np.ndarray, fields: Fields | None
) -> None:
  """Writes a codebook."""
  way = Way.PACKED if fields is None else Way.FLOAT
  writer.number(len(known))
  write(writer, way, known, fields, nowhere(len(known)))


def read(
  reader: Reader,
  way: Way,
  count: int,
  fields: Fields | None,
  at: Places,
  to: np.dtype,
) -> np.ndarray:
  """Reads the patterns that `write` wrote, in the type that they had."""
  if way is Way.PACKED:
    least, width = reader.number(), reader.number()
    if width > 8 * to.itemsize or least >> 8 * to.itemsize:
      raise ValueError(f'values of {width} bits from {least}')
    return reader.plain(count, width, to) + to.type(least)
  if way is Way.FLOAT:
    if fields is None:
      raise ValueError('floats of no float type')
    return _read_floats(reader, count, fields, at, to)
  size = reader.number()
  if not 0 < size <= MOST_ENTRIES:
    raise ValueError(f'a codebook of {size} values')
  inner = Way.PACKED if fields is None else Way.FLOAT
  known = read(reader, inner, size, fields, nowhere(size), to)
  return known[reader.symbols(count, _width(size - 1), at)]


def _read_floats(
  reader: Reader, count: int, fields: Fields, at: Places, to: np.dtype
) -> np.ndarray:
  used, least, width = reader.number(), reader.number(), reader.number()
  if used > fields.mantissa or least >> fields.exponent:
    raise ValueError('floats with impossible parts')
  if width > fields.exponent:
    raise ValueError(f'exponents of {width} bits')
  # Neither a sum nor a shift goes beyond the type.
  exponent = reader.symbols(count, width, at).astype(to) + to.type(least)
  if int(exponent.max()) >> fields.exponent:
    raise ValueError('an impossible exponent')
  sign = reader.symbols(count, 1, at).astype(to)
  mantissa = reader.plain(count, used, to)
  mantissa <<= to.type(fields.mantissa - used)
  high = sign << to.type(fields.exponent) | exponent
  return high << to.type(fields.mantissa) | mantissa
