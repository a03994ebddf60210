"""Where the parts of a leaf are written and read: small leaves and large."""

from typing import NamedTuple, Protocol

import numpy as np

from prunax.codec import ans, bits, positions, symbols
from prunax.codec.bits import Cursor
from prunax.codec.coder import Decoder, Encoder

# Beyond these many symbols of several bits a loop would take too long.
MOST_SYMBOLS = 6_000


class Places(NamedTuple):
  """The column and the row of each alive entry."""

  units: np.ndarray
  rows: np.ndarray


class Writer(Protocol):
  """Takes the parts of a leaf, one after the other."""

  def asked(self) -> int: ...

  def size(self) -> int: ...

  def number(self, value: int) -> None: ...

  def positions(self, mask: np.ndarray, planes: int) -> None: ...

  def symbols(self, values: np.ndarray, width: int, at: Places) -> None: ...

  def plain(self, values: np.ndarray, width: int) -> None: ...

  def finish(self) -> bytes: ...


class Reader(Protocol):
  """Gives back what a `Writer` took, in the same order."""

  def asked(self) -> int: ...

  def number(self) -> int: ...

  def positions(self, shape: tuple[int, ...], planes: int) -> np.ndarray: ...

  def symbols(self, count: int, width: int, at: Places) -> np.ndarray: ...

  def plain(self, count: int, width: int, to: np.dtype) -> np.ndarray: ...

  def finish(self) -> None: ...


class SmallWriter:
  """Learns while it writes, symbol by symbol."""

  def __init__(self) -> None:
    self._coder, self._plain = Encoder(), bytearray()

  def asked(self) -> int:
    """How many bits were coded by learning."""
    return self._coder.asked

  def size(self) -> int:
    return len(self._coder) + len(self._plain)

  def number(self, value: int) -> None:
    self._plain += bits.varint(value)

  def positions(self, mask: np.ndarray, planes: int) -> None:
    layout = positions.split(positions.flat(mask.shape), planes)
    positions.code(self._coder, mask, layout)

  def symbols(self, values: np.ndarray, width: int, at: Places) -> None:
    found = values.tolist(), at.units.tolist(), at.rows.tolist()
    symbols.code(self._coder, found[0], width, *found[1:])

  def plain(self, values: np.ndarray, width: int) -> None:
    self._plain += bits.pack(values, width)

  def finish(self) -> bytes:
    plain = bytes(self._plain)
    return bits.varint(len(plain)) + plain + self._coder.finish()


class SmallReader:
  """Reads what a `SmallWriter` wrote."""

  def __init__(self, payload: bytes) -> None:
    cursor = Cursor(payload)
    self._plain = Cursor(cursor.take(cursor.varint()))
    self._coder = Decoder(cursor.take(cursor.left))

  def asked(self) -> int:
    """How many bits were coded by learning."""
    return self._coder.asked

  def number(self) -> int:
    return self._plain.varint()

  def positions(self, shape: tuple[int, ...], planes: int) -> np.ndarray:
    layout = positions.split(positions.flat(shape), planes)
    return positions.code(self._coder, np.zeros(shape, bool), layout)

  def symbols(self, count: int, width: int, at: Places) -> np.ndarray:
    if count > MOST_SYMBOLS or width > 16:
      raise ValueError(f'{count} symbols of {width} bits')
    found = symbols.code(
      self._coder, [0] * count, width, at.units.tolist(), at.rows.tolist()
    )
    return np.array(found, np.uint16)

  def plain(self, count: int, width: int, to: np.dtype) -> np.ndarray:
    size = bits.packed_size(count, width)
    return bits.unpack(self._plain.take(size), count, width, to)

  def finish(self) -> None:
    if self._plain.left:
      raise ValueError(f'{self._plain.left} bytes are left over')


class LargeWriter:
  """Writes whole arrays by tables.

  Args:
    flags: how many bits it may code by learning.
  """

  def __init__(self, flags: int = 0) -> None:
    self._out = bytearray()
    self._flags, self._asked = flags, 0

  def asked(self) -> int:
    """How many bits were coded by learning."""
    return self._asked

  def size(self) -> int:
    return len(self._out)

  def number(self, value: int) -> None:
    self._out += bits.varint(value)

  def positions(self, mask: np.ndarray, planes: int) -> None:
    written, self._asked = positions.encode(mask, self._flags)
    self._out += written

  def symbols(self, values: np.ndarray, width: int, at: Places) -> None:
    self._out += ans.encode(values)

  def plain(self, values: np.ndarray, width: int) -> None:
    self._out += bits.pack(values, width)

  def finish(self) -> bytes:
    return bytes(self._out)


class LargeReader:
  """Reads what a `LargeWriter` wrote."""

  def __init__(self, payload: bytes) -> None:
    self._cursor, self._asked = Cursor(payload), 0

  def asked(self) -> int:
    """How many bits were coded by learning."""
    return self._asked

  def number(self) -> int:
    return self._cursor.varint()

  def positions(self, shape: tuple[int, ...], planes: int) -> np.ndarray:
    if planes != 1:
      raise ValueError(f'{planes} planes by tables')
    mask, self._asked = positions.decode(self._cursor, shape)
    return mask

  def symbols(self, count: int, width: int, at: Places) -> np.ndarray:
    return ans.decode(self._cursor, count, 1 << width)

  def plain(self, count: int, width: int, to: np.dtype) -> np.ndarray:
    size = bits.packed_size(count, width)
    return bits.unpack(self._cursor.take(size), count, width, to)

  def finish(self) -> None:
    if self._cursor.left:
      raise ValueError(f'{self._cursor.left} bytes are left over')
