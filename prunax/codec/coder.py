"""A binary arithmetic coder: bits in, bytes out, and back."""

_TOP = 0xFF000000
_ALL = 0xFFFFFFFF


class Encoder:
  """Writes bits, each with the probability that it is 1.

  A bit of probability p costs -log2(p) bits of the output.

  >>> encoder = Encoder()
  >>> sent = [encoder.code(0, 600) for _ in range(1000)]
  >>> len(encoder.finish())
  2

  Attributes:
    asked: how many bits it was told of in all.
  """

  def __init__(self) -> None:
    self.asked = 0
    self._low, self._high = 0, _ALL
    self._out = bytearray()

  def __len__(self) -> int:
    return len(self._out)

  def expect(self, bits: int) -> None:
    """Tells it how many bits come next."""
    self.asked += bits

  def code(self, bit: int, chance: int) -> int:
    """Writes a bit that is 1 with a chance of `chance` in 65,536."""
    span = self._high - self._low
    middle = self._low + (span * chance >> 16)
    if bit:
      self._high = middle
    else:
      self._low = middle + 1
    while not (self._low ^ self._high) & _TOP:
      self._out.append(self._low >> 24)
      self._low = self._low << 8 & _ALL
      self._high = (self._high << 8 & _ALL) | 0xFF
    return bit

  def finish(self) -> bytes:
    """All bytes; the decoder reads zeros beyond them."""
    for size in range(5):
      unit = 1 << 8 * (4 - size)
      value = -(-self._low // unit) * unit
      if value <= self._high:
        self._out += value.to_bytes(4, 'big')[:size]
        break
    return bytes(self._out).rstrip(b'\0')


class Decoder:
  """Reads the bits that an `Encoder` wrote, given the same chances.

  Attributes:
    asked: how many bits it was told of in all.
  """

  def __init__(self, data: bytes) -> None:
    self.asked = 0
    self._low, self._high = 0, _ALL
    self._data, self._at = data, 4
    self._value = int.from_bytes(data[:4].ljust(4, b'\0'), 'big')

  def expect(self, bits: int) -> None:
    """Tells it how many bits come next."""
    self.asked += bits

  def code(self, bit: int, chance: int) -> int:
    """The next bit; what is given as `bit` does not matter."""
    middle = self._low + ((self._high - self._low) * chance >> 16)
    bit = int(self._value <= middle)
    if bit:
      self._high = middle
    else:
      self._low = middle + 1
    while not (self._low ^ self._high) & _TOP:
      self._low = self._low << 8 & _ALL
      self._high = (self._high << 8 & _ALL) | 0xFF
      following = self._data[self._at] if self._at < len(self._data) else 0
      self._value = (self._value << 8 & _ALL) | following
      self._at += 1
    return bit


Coder = Encoder | Decoder
