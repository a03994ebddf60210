"""A reader of `.prx` files made from docs/format.md, and from it alone.

It shares no line with prunax, checks little, and is slow. Types of no bytes of
their own are left as patterns: a leaf is its name, its type's number, its
shape, and its patterns as a list of whole numbers.
"""

import binascii
import json
import zlib
from math import prod

# Bytes of a pattern and, of floats, the bits of exponent and mantissa.
SIZES = [1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 4, 8, 4, 8, 2] + 15 * [1]
FLOATS = {9: (5, 10), 14: (8, 7), 10: (8, 23), 11: (11, 52)}
COMPLEX = (12, 13)

UPPER, power = [], 1 << 40
for _ in range(2048):
  UPPER.append(65_536 * power // (power + (1 << 40)))
  power = power * 1_103_814_994_613 >> 40


def logistic(i):
  return UPPER[i] if i >= 0 else 65_536 - UPPER[-i]


LOGIT, _i = [], -2047
for q in range(4096):
  while _i < 2047 and logistic(_i) < 16 * q + 8:
    _i += 1
  LOGIT.append(_i)


class Bytes:
  def __init__(self, data):
    self.data, self.at = data, 0

  def take(self, n):
    assert 0 <= n <= len(self.data) - self.at
    self.at += n
    return self.data[self.at - n : self.at]

  def rest(self):
    return self.take(len(self.data) - self.at)

  def little(self, n):
    return int.from_bytes(self.take(n), 'little')

  def varint(self):
    value, shift = 0, 0
    while True:
      byte = self.little(1)
      value += (byte % 128) << shift
      shift += 7
      if byte < 128:
        return value


class Coder:
  def __init__(self, data):
    self.rest = iter(data)
    self.low, self.high, self.value = 0, 2**32 - 1, 0
    for _ in range(4):
      self.value = self.value * 256 + next(self.rest, 0)

  def bit(self, chance):
    middle = self.low + ((self.high - self.low) * chance >> 16)
    bit = int(self.value <= middle)
    if bit:
      self.high = middle
    else:
      self.low = middle + 1
    while self.low >> 24 == self.high >> 24:
      self.low = (self.low << 8) % 2**32
      self.high = ((self.high << 8) + 255) % 2**32
      self.value = ((self.value << 8) + next(self.rest, 0)) % 2**32
    return bit


class Model:
  def __init__(self, coder, weights=(), prior=6, rate=3):
    self.coder, self.w = coder, [65_536, *weights]
    self.prior, self.rate = prior, rate
    self.tables = [{} for _ in self.w]

  def bit(self, *contexts):
    seen = [
      t.setdefault(c, [0, 0])
      for t, c in zip(self.tables, contexts, strict=True)
    ]
    z, o = seen[0]
    base = 65_536 * (2 * o + 1) // (2 * (z + o) + 2)
    x = [LOGIT[base // 16]]
    for z, o in seen[1:]:
      c = (65_536 * o + self.prior * base) // (z + o + self.prior)
      x.append(LOGIT[c // 16] - x[0])
    total = sum(w * v for w, v in zip(self.w, x, strict=True)) >> 16
    chance = logistic(max(-2047, min(2047, total)))
    chance = max(16, min(65_520, chance))
    bit = self.coder.bit(chance)
    for j, v in enumerate(x):
      self.w[j] += (65_536 * bit - chance) * self.rate * v >> 16
      seen[j][bit] += 1
    return bit


def text(data):
  coded = data.varint()
  if coded % 2 == 0:
    return data.take(coded // 2)
  found = [0, 0]
  model = Model(Coder(data.rest()), (45_000, 45_000, 30_000), prior=1)
  for _ in range(coded // 2):
    two, one, node = found[-2], found[-1], 1
    for _ in range(8):
      contexts = node, (one, node), (two, one, node), (two, node)
      node = 2 * node + model.bit(*contexts)
    found.append(node - 256)
  return bytes(found[2:])


def flags(coder, size):
  model, found = Model(coder), []
  for _ in range(size):
    found.append(model.bit(found[-1] if found else 0))
  return [i for i, alive in enumerate(found) if alive]


def learnt_positions(coder, rows, columns, p):
  """The numbers of the alive entries, in order."""
  r = rows // p
  kept = [[0] if n == 1 else flags(coder, n) for n in (p, r, columns)]
  sizes = [len(k) for k in kept]
  every = sizes.count(1) >= 2
  deep = (20_000, 39_000, 20_000, 20_000, 6_000, 13_000, 20_000, 20_000)
  model = Model(coder, deep if sizes[0] > 1 else (39_000, 39_000, 13_000))
  alive, found = {}, []
  for i, plane in enumerate(kept[0]):
    for j, row in enumerate(kept[1]):
      for k, column in enumerate(kept[2]):

        def near(di, dj, dk, i=i, j=j, k=k):
          return alive.get((i + di, j + dj, k + dk), 0)

        left, above, back = near(0, 0, -1), near(0, -1, 0), near(-1, 0, 0)
        if every:
          bit = 1
        elif sizes[0] == 1:
          bit = model.bit(0, j, k, 2 * left + above)
        else:
          around = back + above + near(-1, -1, 0) + near(-1, 1, 0)
          here = 4 * back + 2 * above + left
          bit = model.bit(0, (i, j), k, (i, k), (j, k), i, j, here, around)
        alive[i, j, k] = bit
        if bit:
          found.append((plane * r + row) * columns + column)
  return found


def learnt_symbols(coder, w, places):
  model = Model(coder, (13_000, 13_000, 6_000), prior=12, rate=6)
  last, found = {}, []
  for column, row in places:
    node, before = 1, last.get(column, 0)
    for _ in range(w):
      contexts = node, (column, node), (row, node), (before, node)
      node = 2 * node + model.bit(*contexts)
    found.append(node - (1 << w))
    last[column] = found[-1] + 1
  return found


def table_symbols(data, n):
  size, shares = data.varint(), []
  while sum(shares) < 65_536:
    share = data.varint()
    shares += [share] if share else [0] * data.varint()
  assert len(shares) == size and sum(shares) == 65_536
  slots = [s for s, share in enumerate(shares) for _ in range(share)]
  starts = [sum(shares[:s]) for s in range(size)]
  words, lanes = data.varint(), 1
  while 2 * lanes <= min(n // 2048, 32_768):
    lanes *= 2
  states = [data.little(4) for _ in range(lanes)]
  words, found = Bytes(data.take(2 * words)), []
  for i in range(n):
    state = states[i % lanes]
    slot = state % 65_536
    found.append(slots[slot])
    state = shares[slots[slot]] * (state >> 16) + slot - starts[slots[slot]]
    if state < 65_536:
      state = (state << 16) + words.little(2)
    states[i % lanes] = state
  assert not words.rest() and set(states) == {65_536}
  return found


def table_positions(data, rows, columns):
  kept = []
  for n in (rows, columns):
    known, coded = data.little(1), data.take(data.little(4))
    kept.append(flags(Coder(coded), n) if known else range(n))
  places = [row * columns + column for row in kept[0] for column in kept[1]]
  symbols = table_symbols(data, (len(places) + 7) // 8)
  return [at for n, at in enumerate(places) if symbols[n // 8] >> 7 - n % 8 & 1]


class Leaf:
  """The parts of a payload of coding 2 or 3."""

  def __init__(self, payload, small):
    self.plain, self.coder = Bytes(payload), None
    if small:
      plain = Bytes(self.plain.take(self.plain.varint()))
      self.plain, self.coder = plain, Coder(self.plain.rest())

  def symbols(self, w, places):
    if self.coder:
      return learnt_symbols(self.coder, w, places)
    return table_symbols(self.plain, len(places))

  def packed(self, w, count):
    data = self.plain.take((count * w + 7) // 8)
    bits = int.from_bytes(data, 'big') >> 8 * len(data) - count * w
    return [bits >> w * i & (1 << w) - 1 for i in range(count - 1, -1, -1)]

  def values(self, way, kind, places):
    number = self.plain.varint
    if way == 0:
      least, w = number(), number()
      wrap = 1 << 8 * SIZES[kind]
      return [(least + v) % wrap for v in self.packed(w, len(places))]
    if way == 2:
      n = number()
      known = self.values(int(kind in FLOATS), kind, [(0, 0)] * n)
      indices = self.symbols((n - 1).bit_length(), places)
      return [known[i] for i in indices]
    (e, m), u, least, w = FLOATS[kind], number(), number(), number()
    exponents = self.symbols(w, places)
    signs = self.symbols(1, places)
    mantissas = self.packed(u, len(places))
    return [
      (s << e | x + least) << m | v << m - u
      for s, x, v in zip(signs, exponents, mantissas, strict=True)
    ]


def patterns(coding, payload, kind, shape):
  shape = [*shape, 2] if kind in COMPLEX else list(shape)
  count, size = prod(shape), SIZES[kind]
  if coding < 2:
    raw = Bytes(payload or bytes(count * size))
    return [raw.little(size) for _ in range(count)]
  leaf, columns = Leaf(payload, coding == 2), shape[-1] if shape else 1
  p, way = divmod(leaf.plain.varint(), 3)
  if p == 0:
    alive = range(count)
  elif leaf.coder:
    alive = learnt_positions(leaf.coder, count // columns, columns, p)
  else:
    alive = table_positions(leaf.plain, count // columns, columns)
  values = leaf.values(
    way, kind, [(at % columns, at // columns) for at in alive]
  )
  assert not leaf.plain.rest()
  found = [0] * count
  for at, value in zip(alive, values, strict=True):
    found[at] = value
  return found


def read(data):
  """The leaves by name, as (type, shape, patterns), and the meta."""
  file = Bytes(data)
  assert file.take(4) == b'PRX\x01'
  front = Bytes(file.take(file.varint()))
  assert zlib.crc32(data[: file.at]) == file.little(4)
  header, entries, name = Bytes(text(front)), [], b''
  for _ in range(header.varint()):
    name = name[: header.varint()] + header.take(header.varint())
    kind = header.varint()
    shape = [header.varint() for _ in range(header.varint())]
    coding = header.varint()
    length = header.varint() if coding else 0
    entries.append((name.decode(), kind, shape, coding, length))
  leaves = {}
  for name, kind, shape, coding, length in entries:
    payload = file.take(length)
    if length > 4096:
      assert zlib.crc32(payload) == file.little(4)
    elif length:
      assert binascii.crc_hqx(payload, 0xFFFF) == file.little(2)
    leaves[name] = kind, shape, patterns(coding, payload, kind, shape)
  assert not file.rest()
  return leaves, json.loads(header.rest() or b'{}')
