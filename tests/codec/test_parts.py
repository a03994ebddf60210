"""The parts of the coder: by hand, against the real functions, by laws."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prunax.codec import ans, bits, grid, positions, symbols, text
from prunax.codec.bits import Cursor
from prunax.codec.coder import Decoder, Encoder
from prunax.codec.grid import Grid
from prunax.codec.mixing import Mixed
from prunax.codec.tables import _GROWTH, LIMIT, LOGISTIC, LOGITS


def test_varints_by_hand():
  for value, found in (
    (0, '00'),
    (127, '7f'),
    (128, '8001'),
    (300, 'ac02'),
    ((1 << 64) - 1, 'ffffffffffffffffff01'),
  ):
    assert bits.varint(value).hex() == found
    cursor = Cursor(bytes.fromhex(found) + b'\1')
    assert cursor.varint() == value and cursor.left == 1


@pytest.mark.parametrize('data', ['', '80', 'ff' * 9, 'ff' * 11, '80' * 1000])
def test_varints_that_do_not_end(data):
  with pytest.raises(ValueError, match=r'missing|too long'):
    Cursor(bytes.fromhex(data)).varint()


def test_packed_by_hand():
  # 101 011 110 and 7 zeros.
  assert bits.pack(np.array([5, 3, 6]), 3).hex() == 'af00'
  assert bits.pack(np.array([5]), 0) == b'' and bits.packed_size(3, 3) == 2


@pytest.mark.parametrize('width', [0, 1, 3, 8, 13, 16, 31, 32, 47, 64])
@pytest.mark.parametrize('count', [1, 7, 65_536, 65_545])
def test_packed_round_trip(width, count):
  wide = np.random.default_rng(0).integers(0, 1 << 63, count, np.uint64) * 2 + 1
  wide = wide >> np.uint64(64 - width) if width else wide * 0
  data = bits.pack(wide, width)
  assert len(data) == bits.packed_size(count, width)
  to = np.dtype(f'u{max(1, 1 << max(0, (width - 1).bit_length() - 3))}')
  found = bits.unpack(data, count, width, to)
  assert found.dtype == to
  np.testing.assert_array_equal(found, wide)


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(1, 65_535))))
@settings(max_examples=100, deadline=None)
def test_any_bits_at_any_chances(pairs):
  encoder = Encoder()
  for bit, chance in pairs:
    encoder.code(bit, chance)
  decoder = Decoder(encoder.finish())
  assert [decoder.code(0, c) for _, c in pairs] == [bit for bit, _ in pairs]


def test_a_bit_costs_its_logarithm():
  rng = np.random.default_rng(0)
  chances = rng.integers(16, 65_521, 20_000).tolist()
  drawn = (rng.random(20_000) * 65_536 < chances).astype(int).tolist()
  encoder, cost = Encoder(), 0.0
  for bit, chance in zip(drawn, chances, strict=True):
    encoder.code(bit, chance)
    cost -= math.log2((chance if bit else 65_536 - chance) / 65_536)
  assert cost / 8 - 1 < len(encoder.finish()) < cost / 8 + 8


def test_an_encoder_by_hand():
  # All of one half: 1 is the lower one, so that zeros, cut off, mean ones.
  for bit, found in ((1, ''), (0, '80')):
    encoder = Encoder()
    encoder.code(bit, 32_768)
    # From 0x80000000 on is the upper half, its first value is not.
    assert encoder.finish().hex() == found


def test_the_logistic_table():
  assert LIMIT == 2047 and len(LOGISTIC) == 2 * LIMIT + 1
  assert round(2**40 * math.exp(1 / 256)) == pytest.approx(_GROWTH, abs=1)
  real = [65_536 / (1 + math.exp(-i / 256)) for i in range(-LIMIT, LIMIT + 1)]
  assert max(abs(a - b) for a, b in zip(LOGISTIC, real, strict=True)) < 1.001
  assert LOGISTIC[LIMIT] == 32_768
  for i in range(1, LIMIT + 1):
    assert LOGISTIC[LIMIT - i] + LOGISTIC[LIMIT + i] == 65_536
    assert LOGISTIC[LIMIT + i] >= LOGISTIC[LIMIT + i - 1]


def test_the_table_of_logits():
  assert len(LOGITS) == 4096 and sorted(LOGITS) == LOGITS
  assert (LOGITS[0], LOGITS[-1]) == (-LIMIT, LIMIT)
  for step in range(8, 4088):
    chance = (16 * step + 8) / 65_536
    real = 256 * math.log(chance / (1 - chance))
    # One place up, and what one in 65,536 makes in places.
    error = 256 / (65_536 * chance * (1 - chance))
    assert -error <= LOGITS[step] - real <= 1 + error


class _Listening(Encoder):
  """Keeps the chances that it is told."""

  def __init__(self):
    super().__init__()
    self.chances = []

  def code(self, bit, chance):
    self.chances.append(chance)
    return super().code(bit, chance)


def test_chances_by_hand():
  encoder = _Listening()
  model = Mixed(encoder, ())
  for bit in (1, 1, 0):
    model.code(bit, 0, ())
  seen = encoder.chances
  # Counts of (0, 0), (0, 1) and (0, 2): 1/2, 3/4 and 5/6, in steps of logits
  # and with a weight that has grown a little.
  assert seen[0] == LOGISTIC[LIMIT + LOGITS[2048]]
  assert abs(seen[1] - 49_152) < 100 and abs(seen[2] - 54_613) < 250


@pytest.mark.parametrize('levels', [1, 2, 256, 4096])
@pytest.mark.parametrize('count', [1, 2, 2047, 4097, 100_000])
def test_tables_round_trip(levels, count):
  rng = np.random.default_rng(levels)
  drawn = np.floor(levels * rng.random(count) ** 3).astype(np.int64)
  data = ans.encode(drawn)
  cursor = Cursor(data + b'after')
  found = ans.decode(cursor, count, levels)
  assert cursor.left == 5
  np.testing.assert_array_equal(found, drawn)
  counts = np.bincount(drawn)[np.unique(drawn)]
  entropy = -(counts * np.log2(counts / count)).sum() / 8
  if count == 100_000 and levels <= 256:
    # Besides its table, and the lanes' states of 4 bytes.
    assert len(data) <= 1.01 * entropy + 3 * levels + 4 * 32 + 8


def test_a_table_whose_shares_do_not_fit_all():
  # 4,095 symbols that occur once each need more than their part.
  drawn = np.concatenate((np.zeros(3_000_000, np.int64), np.arange(4096)))
  data = ans.encode(drawn)
  np.testing.assert_array_equal(
    ans.decode(Cursor(data), len(drawn), 4096), drawn
  )


def _states(lanes=1):
  return bits.varint(0) + (65_536).to_bytes(4, 'little') * lanes


@pytest.mark.parametrize(
  'data',
  [
    b'',
    bits.varint(0) + _states(),
    bits.varint(5000) + bits.varint(65_536) + _states(),
    bits.varint(2) + bits.varint(65_537) + _states(),
    bits.varint(2) + bits.varint(1) * 3 + _states(),
    bits.varint(2) + bytes(1000),
    bits.varint(2)
    + bits.varint(0)
    + bits.varint(1 << 63)
    + bits.varint(65_536),
    bits.varint(2) + bits.varint(1 << 69),
    bits.varint(1) + bits.varint(65_536) + bits.varint(1 << 60),
    bits.varint(1) + bits.varint(65_536) + _states()[:-1],
    bits.varint(1) + bits.varint(65_536) + bits.varint(0) + bytes(4),
    bits.varint(1) + bits.varint(65_536) + bits.varint(0) + b'\xff' * 4,
    bits.varint(1)
    + bits.varint(65_536)
    + bits.varint(1)
    + _states()[1:]
    + b'ab',
  ],
)
def test_wrong_tables(data):
  with pytest.raises((ValueError, OverflowError)):
    ans.decode(Cursor(data), 100, 256)


@pytest.mark.parametrize('planes', [1, 2, 3, 6])
@pytest.mark.parametrize('density', [0.02, 0.3, 1.0])
def test_grids_of_all_layouts(planes, density):
  rng = np.random.default_rng(planes)
  mask = rng.random((6, 4, 5)) < density
  mask[0, 0, 0], mask[:, 2, 3] = True, False
  layout = positions.split(positions.flat(mask.shape), planes)
  assert layout == Grid(planes, 24 // planes, 5)
  encoder = Encoder()
  written = positions.code(encoder, mask, layout)
  decoder = Decoder(encoder.finish())
  found = positions.code(decoder, np.zeros_like(mask), layout)
  assert (found == written).all() and (found == mask.reshape(-1)).all()
  assert encoder.asked == decoder.asked > 0


def test_a_grid_that_is_too_large_or_empty():
  for shape, says in (
    ((1, 50_001, 1), 'rows, columns'),
    ((1, 300, 300), '90000 places'),
  ):
    with pytest.raises(ValueError, match=says):
      # Nothing but zeros: all that is asked is alive.
      grid.code(Decoder(b''), np.zeros(shape, bool), Grid(*shape))
  with pytest.raises(ValueError, match='0 places'):
    grid.code(Decoder(b'\xff' * 20), np.zeros((1, 3, 3), bool), Grid(1, 3, 3))
  with pytest.raises(ValueError, match='planes'):
    positions.split(Grid(1, 10, 3), 4)


def test_layouts_find_the_planes_of_a_kernel():
  # What is alive depends on the row within a plane alone.
  rng = np.random.default_rng(0)
  mask = np.broadcast_to(rng.random((1, 20, 5)) < 0.5, (8, 20, 5))
  assert 8 in positions.layouts(mask)


@given(st.lists(st.integers(0, 30), max_size=60), st.integers(5, 8))
@settings(max_examples=30, deadline=None)
def test_symbols_round_trip(drawn, width):
  units, rows = [s % 3 for s in range(len(drawn))], list(range(len(drawn)))
  encoder = Encoder()
  assert symbols.code(encoder, drawn, width, units, rows) == drawn
  assert encoder.asked == width * len(drawn)
  decoder = Decoder(encoder.finish())
  nothing = [0] * len(drawn)
  assert symbols.code(decoder, nothing, width, units, rows) == drawn


def test_symbols_of_one_unit_are_learnt_together():
  rng = np.random.default_rng(0)
  units = rng.integers(0, 4, 2000)
  cost = []
  for drawn in (units, rng.permutation(units)):
    encoder = Encoder()
    symbols.code(encoder, drawn.tolist(), 2, units.tolist(), [0] * 2000)
    cost.append(len(encoder.finish()))
  assert cost[0] < cost[1] / 4


@given(st.binary(max_size=200))
@settings(max_examples=50, deadline=None)
def test_text_round_trip(data):
  coded = text.encode(data)
  assert text.decode(coded) == data and len(coded) <= len(data) + 2


def test_a_long_text_is_stored():
  data = bytes(range(256)) * 30
  assert text.encode(data) == bits.varint(2 * len(data)) + data
  assert text.decode(text.encode(data)) == data
  for wrong in (text.encode(data)[:-1], text.encode(data) + b'a'):
    with pytest.raises(ValueError, match='bytes'):
      text.decode(wrong)
  with pytest.raises(ValueError, match='coded bytes'):
    text.decode(bits.varint(2 * 6251 + 1))
