"""Whole numbers in bytes: of any length, and of a fixed number of bits."""

import numpy as np

# Values at a time: a multiple of 8, so that every part ends with a byte.
_PART = 1 << 16


def varint(value: int) -> bytes:
  """Seven bits a byte, the lowest first; the last byte is below 128.

  >>> varint(300).hex()
  'ac02'
  """
  out = bytearray()
  while value > 127:
    out.append(value & 127 | 128)
    value >>= 7
  return bytes([*out, value])


class Cursor:
  """Reads bytes from the front, and never beyond the end."""

  def __init__(self, data: bytes) -> None:
    self._data, self._at = data, 0

  @property
  def left(self) -> int:
    return len(self._data) - self._at

  def take(self, size: int) -> bytes:
    if size > self.left:
      raise ValueError(f'{size - self.left} bytes are missing')
    self._at += size
    return self._data[self._at - size : self._at]

  def varint(self) -> int:
    value = shift = 0
    while True:
      byte = self.take(1)[0]
      value |= (byte & 127) << shift
      shift += 7
      if byte < 128:
        return value
      if shift > 63:
        raise ValueError('a number is too long')


def packed_size(count: int, width: int) -> int:
  return (count * width + 7) // 8


def pack(values: np.ndarray, width: int) -> bytes:
  """The lowest `width` bits of each value, highest bit first.

  >>> pack(np.array([1, 2, 3]), 2).hex()
  '6c'
  """
  if width == 0:
    return b''
  parts = []
  for start in range(0, len(values), _PART):
    part = values[start : start + _PART].astype('>u8').view(np.uint8)
    bits = np.unpackbits(part.reshape(-1, 8), axis=1)[:, 64 - width :]
    parts.append(np.packbits(bits).tobytes())
  return b''.join(parts)


def unpack(data: bytes, count: int, width: int, to: np.dtype) -> np.ndarray:
  """The values that `pack` wrote, in an unsigned type that holds them."""
  found = np.zeros(count, to)
  if width == 0:
    return found
  raw, step = np.frombuffer(data, np.uint8), _PART * width // 8
  for i, start in enumerate(range(0, count, _PART)):
    size = min(_PART, count - start)
    bits = np.unpackbits(raw[i * step : (i + 1) * step], count=size * width)
    wide = np.zeros((size, 64), np.uint8)
    wide[:, 64 - width :] = bits.reshape(size, width)
    found[start : start + size] = (
      np.packbits(wide, axis=1).view('>u8').reshape(-1)
    )
  return found
