"""Levels by hand, by another Lloyd, and on the weights of a network."""

import jax
import ml_dtypes
import numpy as np
import pytest

from prunax import convert
from prunax.errors import InputError
from prunax.ops import codebook


def squared(values, clusters, weights=1.0):
  off = clusters.snapped.astype(np.float64) - np.asarray(values, np.float64)
  return float(np.sum(weights * off**2))


def plain_lloyd(values, levels):
  """The passes of the release, in loops; NaN is a level without a value."""
  values, levels = [float(v) for v in values], list(levels)
  before = error = 0.0
  passes = 0
  while passes < 1000:
    if passes > 1 and abs(before - error) / before < 0.01:
      break
    before, error, labels = error, 0.0, []
    for v in values:
      off = [abs(v - c) if c == c else np.inf for c in levels]
      labels.append(off.index(min(off)))
      error += min(off)
    for j in range(len(levels)):
      members = [v for v, at in zip(values, labels, strict=True) if at == j]
      levels[j] = sum(members) / len(members) if members else np.nan
    passes += 1
  return [levels[at] for at in labels]


@pytest.mark.parametrize('seed', range(6))
def test_lloyd_is_the_plain_one(seed):
  rng = np.random.default_rng(seed)
  x = rng.normal(size=300)
  # A gap about zero, as pruning leaves it, empties levels.
  x = x[np.abs(x) > 0.7]
  linear = [x.min() + (x.max() - x.min()) * j / 11 for j in range(12)]
  got = codebook.lloyd(x, 12)
  np.testing.assert_allclose(got.snapped, plain_lloyd(x, linear), rtol=1e-12)
  density = np.sort(x)[[int(len(x) * (j + 0.5) / 12) for j in range(12)]]
  got = codebook.lloyd(x, 12, 'density')
  # Not the same start to the digit, but the same quality.
  want = np.sum(np.abs(np.array(plain_lloyd(x, density)) - x))
  np.testing.assert_allclose(np.sum(np.abs(got.snapped - x)), want, rtol=0.1)


def test_an_empty_level_is_dropped():
  got = codebook.lloyd(np.array([-1.0, -0.9, 0.9, 1.0]), 5)
  assert got.codebook.tolist() == [-0.95, 0.95]
  assert got.labels.tolist() == [0, 0, 1, 1]


def test_half_way_is_the_first_levels():
  assert codebook.lloyd(np.array([0.0, 1.0, 2.0]), 2).labels.tolist() == [
    0,
    0,
    1,
  ]


def test_a_random_start_is_of_its_key():
  x = np.random.default_rng(0).normal(size=500).astype(np.float32)
  one, same, other = (
    codebook.lloyd(x, 8, 'random', jax.random.key(i)).codebook
    for i in (0, 0, 1)
  )
  assert np.array_equal(one, same)
  assert not np.array_equal(one, other)


@pytest.mark.parametrize('layer', ['conv1', 'conv2', 'ip1', 'ip2'])
def test_nothing_beats_the_exact_levels_of_a_network(models_dir, layer):
  net = convert.load(models_dir / 'lenet5_reference.caffemodel').tree
  w = np.ravel(net[layer]['kernel'])
  w = w[np.abs(w) > np.quantile(np.abs(w), 0.8)]
  least = squared(w, codebook.exact(w, 16))
  for start in codebook.STARTS:
    found = codebook.lloyd(w, 16, start, jax.random.key(1))
    assert least <= squared(w, found) * (1 + 1e-6)
    assert len(found.codebook) <= 16


def test_equal_values_count_as_many():
  x = np.repeat([0.0, 1.0, 5.0], [9, 1, 4])
  got = codebook.exact(x, 2)
  np.testing.assert_allclose(got.codebook, [0.1, 5.0])
  assert got.labels.tolist() == [0] * 10 + [1] * 4


@pytest.mark.parametrize('k', [3, 4, 9])
def test_as_many_levels_as_values_give_them_back(k):
  x = np.float32([[0.1, 0.3], [0.2, 0.1]])
  got = codebook.exact(x, k)
  assert np.array_equal(got.snapped, x)
  assert len(got.codebook) == 3


def test_weights_pull_a_level():
  x = np.array([0.0, 1.0, 10.0])
  got = codebook.exact(x, 2, np.array([3.0, 1.0, 1.0]))
  np.testing.assert_allclose(got.codebook, [0.25, 10.0])
  # Where 0 and 1 matter by far the most, they are kept apart.
  got = codebook.exact(x, 2, np.array([1.0, 1.0, 1e-6]))
  np.testing.assert_allclose(got.codebook, [0.0, 1.00001], rtol=1e-5)
  assert got.labels.tolist() == [0, 1, 1]


def test_a_value_of_no_weight_goes_to_the_nearest_level():
  x = np.array([0.0, 1.0, 7.0, 8.0, 20.0])
  got = codebook.exact(x, 2, np.array([1.0, 1.0, 1.0, 1.0, 0.0]))
  assert got.snapped.tolist() == [0.5, 0.5, 7.5, 7.5, 7.5]


def test_huge_and_tiny_weights_do_not_overflow():
  x = np.linspace(-1, 1, 50)
  got = codebook.exact(x, 4, np.linspace(1e300, 1e305, 50))
  assert np.isfinite(got.codebook).all()
  weights = np.linspace(1e-5, 1, 50)
  assert squared(x, got, weights) <= squared(x, codebook.exact(x, 4), weights)


def test_an_offset_costs_no_digits():
  x = 1e-3 * np.random.default_rng(0).normal(size=2000)
  near = codebook.exact(x, 16)
  far = codebook.exact(1000 + x, 16)
  assert np.array_equal(near.labels, far.labels)
  np.testing.assert_allclose(far.codebook - 1000, near.codebook, atol=1e-12)


@pytest.mark.parametrize('dtype', [np.float32, np.float16, ml_dtypes.bfloat16])
def test_levels_have_the_dtype_and_are_distinct(dtype):
  x = np.random.default_rng(0).normal(size=(30, 20)).astype(dtype)
  got = codebook.exact(x, 8)
  assert got.snapped.dtype == dtype
  assert got.snapped.shape == x.shape
  assert len(np.unique(got.codebook.astype(np.float64))) == 8
  assert np.array_equal(np.unique(got.labels), np.arange(8))


def test_no_level_is_a_negative_zero():
  got = codebook.exact(np.float32([-1e-46, -0.0, 5.0]), 2)
  assert not np.signbit(got.codebook).any()


@pytest.mark.parametrize(
  ('arguments', 'said'),
  [
    (([1.0, np.nan], 2), 'finite'),
    (([1.0, -np.inf], 2), 'finite'),
    (([1.0, 2.0], 0), 'levels must be a whole number of at least 1, got 0'),
    (([1.0, 2.0], 2.5), 'levels must be a whole number .* got 2.5'),
    (([1.0, 2.0, 3.0], 2.5), 'levels must be a whole number .* got 2.5'),
    (([1.0 + 1j, 2.0], 2), 'codebook must be real .* complex128'),
    (([2**53 + 1, 1], 2), 'whole numbers to 2'),
    # Where there is nothing to share, too.
    (([1.0, 2.0], 2, [-1.0, 1.0]), 'not negative'),
    (([1.0, 2.0], 2, [1.0]), 'one for each of 2'),
    (([], 2), 'got none'),
    (([1.0, 2.0, 3.0], 2, [1.0, -1.0, 1.0]), 'not negative'),
    (([1.0, 2.0, 3.0], 2, [0.0, 0.0, 0.0]), 'not all 0'),
    (([1.0, 2.0, 3.0], 2, [1.0, 1.0]), 'one for each of 3'),
  ],
)
def test_bad_values_and_weights_are_refused(arguments, said):
  with pytest.raises(InputError, match=said):
    codebook.exact(*arguments)


@pytest.mark.parametrize('function', [codebook.exact, codebook.lloyd])
@pytest.mark.parametrize('bad', [np.nan, 1j])
def test_errors_name_the_leaf(function, bad):
  with pytest.raises(InputError, match=r"^the leaf 'ip/kernel' must be"):
    function(np.array([1.0, bad, 3.0]), 2, leaf='ip/kernel')


def test_bad_starts_are_refused():
  with pytest.raises(InputError, match='linear, density, random'):
    codebook.lloyd([1.0, 2.0], 2, 'best')
  with pytest.raises(InputError, match='key'):
    codebook.lloyd([1.0, 2.0], 2, 'random')


@pytest.mark.parametrize('power', [-1060, -600, 600, 1010])
def test_a_power_of_two_scales_the_levels_and_nothing_else(power):
  values = np.random.default_rng(0).integers(-999, 999, 200).astype(np.float64)
  plain = codebook.exact(values, 7)
  found = codebook.exact(np.ldexp(values, power), 7)
  np.testing.assert_array_equal(found.labels, plain.labels)
  np.testing.assert_array_equal(found.codebook, np.ldexp(plain.codebook, power))


def test_a_level_0_gives_way_to_the_nearest_member():
  values = np.array([-3.0, 1.0, 2.0, 50.0])
  found = codebook.kept_alive(values, codebook.exact(values, 2))
  assert found.snapped.tolist() == [1.0, 1.0, 1.0, 50.0]
  whole = codebook.exact(np.array([1.0, 2.0, 9.0]), 2)
  assert codebook.kept_alive(np.array([1.0, 2.0, 9.0]), whole) is whole
