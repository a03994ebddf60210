"""Which coding and which way of values a leaf gets, and what it costs."""

import numpy as np
import pytest

from prunax import codec
from prunax.codec import leaf
from prunax.codec.bits import Cursor
from prunax.codec.leaf import Coding
from prunax.codec.values import Way

RNG = np.random.default_rng(0)


def way(coded):
  """The planes and the way, as they stand in a payload."""
  cursor = Cursor(coded.payload)
  if coded.coding == Coding.SMALL:
    cursor = Cursor(cursor.take(cursor.varint()))
  planes, number = divmod(cursor.varint(), 3)
  return planes, Way(number)


def normal(*shape):
  return RNG.normal(size=shape).astype(np.float32)


def sparse(x, density=0.1):
  return np.where(RNG.random(x.shape) < density, x, 0).astype(x.dtype)


def powers(*shape):
  signs = RNG.choice([-1, 1], shape)
  return (signs * 2.0 ** RNG.integers(-9, 0, shape)).astype(np.float32)


_LEVELS = RNG.normal(size=32).astype(np.float32)


@pytest.mark.parametrize(
  ('x', 'coding', 'chosen'),
  [
    (np.zeros((300, 300)), Coding.ZERO, None),
    (np.zeros((0, 3), np.int8), Coding.ZERO, None),
    (RNG.integers(0, 256, 500, np.uint8), Coding.DENSE, None),
    (RNG.integers(0, 256, 70_000, np.uint8), Coding.DENSE, None),
    (RNG.integers(1000, 1500, 400), Coding.SMALL, Way.PACKED),
    (RNG.integers(10**6, 10**6 + 9999, 60_000), Coding.LARGE, Way.PACKED),
    (normal(400), Coding.SMALL, Way.FLOAT),
    (normal(70_000), Coding.LARGE, Way.FLOAT),
    (powers(400), Coding.SMALL, Way.FLOAT),
    (sparse(normal(30, 40)), Coding.SMALL, Way.FLOAT),
    (sparse(normal(300, 400)), Coding.LARGE, Way.FLOAT),
    (RNG.choice(_LEVELS, 900), Coding.SMALL, Way.CODEBOOK),
    (RNG.choice(_LEVELS, 70_000), Coding.LARGE, Way.CODEBOOK),
    (sparse(RNG.choice(_LEVELS, (50, 60))), Coding.SMALL, Way.CODEBOOK),
    (sparse(RNG.choice(_LEVELS, (300, 400))), Coding.LARGE, Way.CODEBOOK),
    # So few are alive that the places left without dead lines are few.
    (sparse(normal(2000, 1000), 3e-5), Coding.SMALL, Way.FLOAT),
  ],
  ids=str,
)
def test_the_way_that_is_chosen(x, coding, chosen):
  coded = leaf.encode(x)
  assert coded.coding == coding and coded.budget.total == len(coded.payload)
  if chosen is not None:
    assert way(coded)[1] == chosen
    assert (way(coded)[0] == 0) == bool(x.all())
  found, asked = leaf.decode(coding, coded.payload, x.shape, x.dtype)
  assert found.tobytes() == x.tobytes() and asked == coded.asked
  assert len(coded.payload) <= x.nbytes


def bits_a_value(x):
  return 8 * len(leaf.encode(x).payload) / x.size


def test_powers_of_two_cost_their_sign_and_exponent():
  # One of 9 exponents and a sign: 4.17 bits.
  assert bits_a_value(powers(5000)) < 4.3
  assert bits_a_value(powers(100_000)) < 4.2


def test_values_of_bfloat16_cost_no_more_in_float32():
  x = normal(5000).view(np.uint32) & np.uint32(0xFFFF0000)
  short = (x >> np.uint32(16)).astype(np.uint16)
  # 7 bits of mantissa, a sign, and less than 3 bits of exponent.
  assert bits_a_value(x.view(np.float32)) < 10.8
  assert bits_a_value(x.view(np.float32)) < 16 * 0.7 < 8 * short.itemsize


def test_random_places_cost_their_entropy():
  for shape in ((200, 200), (1000, 400)):
    x = sparse(np.ones(shape, np.float32))
    density = x.mean()
    entropy = -density * np.log2(density)
    entropy -= (1 - density) * np.log2(1 - density)
    assert bits_a_value(x) < 1.02 * entropy


def test_dead_units_cost_nearly_nothing():
  x = sparse(normal(100, 100), 0.5)
  x[:, 40:] = 0
  alone = leaf.encode(np.ascontiguousarray(x[:, :40]))
  assert len(leaf.encode(x).payload) < len(alone.payload) + 20


def test_kernels_share_what_their_planes_have_in_common():
  row = RNG.random((1, 20, 25)) < 0.5
  x = sparse(np.where(row, normal(10, 20, 25), 0), 0.9).astype(np.float16)
  planes, _ = way(leaf.encode(x.reshape(200, 25)))
  assert planes > 1


def test_budgets_name_their_parts():
  x = sparse(RNG.choice(_LEVELS, (300, 400)))
  budget = leaf.encode(x).budget
  assert 120_000 * 0.4 / 8 < budget.positions < 120_000 * 0.5 / 8
  assert 12_000 * 4.5 / 8 < budget.values < 12_000 * 5.5 / 8
  assert 32 * 3 < budget.codebook < 32 * 4 + 40
  assert leaf.encode(normal(70_000)).budget.positions == 1


def test_a_file_keeps_to_its_learnt_bits(tmp_path, monkeypatch):
  weights = {f'w{i}': sparse(normal(60, 60)) for i in range(4)}
  _, free = codec.encode(weights)
  monkeypatch.setattr(leaf, 'MOST_LEARNT', 60_000)
  sizes = codec.save(tmp_path / 'a.prx', weights)
  with codec.PrxFile(tmp_path / 'a.prx') as file:
    chosen = [entry.coding for entry in file.entries.values()]
    for name in [*file.entries, *file.entries]:
      assert file.read(name).tobytes() == weights[name].tobytes()
  assert set(chosen) == {Coding.SMALL, Coding.LARGE}
  assert chosen == sorted(chosen) and sizes.total > free.total
  # The files of all others have as many bits as they like.
  codec.save(tmp_path / 'b.prx', {'w0': weights['w0']})
  monkeypatch.setattr(leaf, 'MOST_LEARNT', 1000)
  with pytest.raises(codec.DamagedFile, match='by learning') as error:
    codec.load(tmp_path / 'b.prx')
  assert error.value.leaf == 'w0'


def test_lines_by_learning_count_too(monkeypatch):
  x = sparse(normal(400, 700))
  x[::2], x[:, ::3] = 0, 0
  few = leaf.encode(x, 1099)
  assert (few.asked, leaf.encode(x, 1100).asked) == (400, 1100)
  assert leaf.encode(x, 0).asked == 0
  for most in (0, 1099, 1100):
    coded = leaf.encode(x, most)
    found, asked = leaf.decode(coded.coding, coded.payload, x.shape, x.dtype)
    assert (found == x).all() and asked == coded.asked
