"""Bytes of a header, coded by what came before them."""

from prunax.codec.bits import Cursor, varint
from prunax.codec.coder import Coder, Decoder, Encoder
from prunax.codec.grid import MOST_ADAPTIVE
from prunax.codec.mixing import Mixed

# Weights of one byte before, of two, and of the byte two before.
_WEIGHTS = (45_000, 45_000, 30_000)


def _code(coder: Coder, data: bytes) -> bytes:
  model = Mixed(coder, _WEIGHTS, prior=1)
  found = bytearray()
  earlier = before = 0
  for byte in data:
    node = 1
    for place in range(7, -1, -1):
      contexts = (
        before << 8 | node,
        earlier << 16 | before << 8 | node,
        earlier << 8 | node,
      )
      node = 2 * node + model.code(byte >> place & 1, node, contexts)
    earlier, before = before, node & 255
    found.append(before)
  return bytes(found)


def encode(data: bytes) -> bytes:
  """The bytes, shorter where that is possible.

  >>> text = b'conv1/kernel conv2/kernel'
  >>> len(encode(text)) < len(text), decode(encode(text)) == text
  (True, True)
  """
  if 8 * len(data) <= MOST_ADAPTIVE:
    coder = Encoder()
    _code(coder, data)
    coded = varint(2 * len(data) + 1) + coder.finish()
    if len(coded) <= len(data):
      return coded
  return varint(2 * len(data)) + data


def decode(data: bytes) -> bytes:
  """The bytes that `encode` was given."""
  cursor = Cursor(data)
  size, coded = divmod(cursor.varint(), 2)
  if not coded:
    if size != cursor.left:
      raise ValueError(f'{cursor.left} bytes of text, not {size}')
    return cursor.take(size)
  if 8 * size > MOST_ADAPTIVE:
    raise ValueError(f'{size} coded bytes')
  return _code(Decoder(cursor.take(cursor.left)), bytes(size))
