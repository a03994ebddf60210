"""Many symbols by one table: range asymmetric numeral systems in lanes.

Duda (2013). Symbol i belongs to lane i modulo the number of lanes, and the
lanes advance together, so that a step is a few operations on whole arrays.
"""

import numpy as np

from prunax.codec.bits import Cursor, varint

_SCALE = 16
_TOTAL = 1 << _SCALE

# A lane's state never falls below this after a step.
_LEAST = 1 << 16

_SYMBOLS_A_LANE = 2048
_MOST_LANES = 1 << 15


def _lanes(count: int) -> int:
  """A power of two: each lane costs 4 bytes, and saves time."""
  wanted = max(1, count // _SYMBOLS_A_LANE)
  return min(_MOST_LANES, 1 << wanted.bit_length() - 1)


def _shares(counts: np.ndarray) -> np.ndarray:
  """Frequencies of a total of 65,536, at least 1 where a symbol occurs."""
  total = int(counts.sum())
  shares = np.maximum(counts * _TOTAL // total, counts > 0)
  # What rounding left over goes to the largest, which miss it least.
  excess = int(shares.sum()) - _TOTAL
  for symbol in np.argsort(-shares, kind='stable').tolist():
    change = min(excess, int(shares[symbol]) - 1)
    shares[symbol] -= change
    excess -= change
    if excess <= 0:
      break
  return shares


def _table(shares: np.ndarray) -> bytes:
  """The frequencies; a run of absent symbols is a 0 and its length."""
  out = bytearray(varint(len(shares)))
  absent = 0
  for share in shares.tolist():
    if share == 0:
      absent += 1
      continue
    if absent:
      out += varint(0) + varint(absent)
      absent = 0
    out += varint(share)
  return bytes(out)


def _read_table(cursor: Cursor, most: int) -> np.ndarray:
  size = cursor.varint()
  if not 0 < size <= most:
    raise ValueError(f'a table of {size} symbols')
  shares = np.zeros(size, np.int64)
  place = total = 0
  while total < _TOTAL:
    share = cursor.varint()
    if share == 0:
      place += cursor.varint()
      continue
    if place >= size:
      raise ValueError('a table with too many symbols')
    shares[place] = share
    place, total = place + 1, total + share
  if total != _TOTAL:
    raise ValueError('a table whose frequencies do not add up')
  return shares


def encode(symbols: np.ndarray) -> bytes:
  """A table, the lanes' states and the words, for at least one symbol.

  >>> symbols = np.tile([0, 0, 0, 1], 1000)
  >>> data = encode(symbols)
  >>> len(data) < 4000 * 0.82 / 8 + 14
  True
  >>> (decode(Cursor(data), 4000, 2) == symbols).all().item()
  True
  """
  counts = np.bincount(symbols)
  shares = _shares(counts)
  starts = (np.cumsum(shares) - shares).astype(np.uint64)
  share = shares.astype(np.uint64)
  lanes = _lanes(len(symbols))
  states = np.full(lanes, _LEAST, np.uint64)
  words: list[np.ndarray] = []
  last = (len(symbols) - 1) // lanes
  for step in range(last, -1, -1):
    here = symbols[step * lanes : (step + 1) * lanes]
    state = states[: len(here)]
    size = share[here]
    full = state >= size << np.uint64(16)
    words.append(state[full].astype('<u2'))
    state = np.where(full, state >> np.uint64(16), state)
    whole, part = np.divmod(state, size)
    states[: len(here)] = (whole << np.uint64(_SCALE)) + part + starts[here]
  body = np.concatenate(words[::-1])
  return b''.join(
    (
      _table(shares),
      varint(len(body)),
      states.astype('<u4').tobytes(),
      body.tobytes(),
    )
  )


def decode(cursor: Cursor, count: int, most: int) -> np.ndarray:
  """The symbols that `encode` wrote.

  Args:
    cursor: stands before them, and after them in the end.
    count: how many.
    most: the size of the largest alphabet that is taken.
  """
  shares = _read_table(cursor, most)
  size = cursor.varint()
  lanes = _lanes(count)
  states = np.frombuffer(cursor.take(4 * lanes), '<u4').astype(np.uint32)
  body = np.frombuffer(cursor.take(2 * size), '<u2')
  # A step may look for a word in every lane, though it takes none there.
  words = np.zeros(size + lanes, np.uint32)
  words[:size] = body
  narrow = np.uint8 if len(shares) <= 256 else np.uint16
  of_slot = np.repeat(np.arange(len(shares)).astype(narrow), shares)
  share = shares.astype(np.uint32)[of_slot]
  offset = np.arange(_TOTAL, dtype=np.uint32) - np.repeat(
    (np.cumsum(shares) - shares).astype(np.uint32), shares
  )
  found = np.empty(count, narrow)
  at = 0
  for start in range(0, count, lanes):
    state = states[: count - start]
    slot = state & np.uint32(_TOTAL - 1)
    found[start : start + lanes] = of_slot[slot]
    state = share[slot] * (state >> np.uint32(_SCALE)) + offset[slot]
    low = state < _LEAST
    ranks = np.cumsum(low)
    needed = int(ranks[-1])
    if at + needed > size:
      raise ValueError('words are missing')
    following = words[at : at + lanes][np.maximum(ranks - 1, 0)]
    states[: count - start] = np.where(
      low, (state << np.uint32(16)) | following, state
    )
    at += needed
  if at != size or (states != _LEAST).any():
    raise ValueError('words are left over')
  return found
