"""Levels against double precision, at the cuts, and their exactness."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prunax.errors import InputError
from prunax.ops import levels

EXPONENTS = np.arange(-125, 127)


def near_the_cuts(dtype='float32'):
  """Powers of two, 1.5 times them, and their neighbours on both sides."""
  centres = np.concatenate([np.ldexp(m, EXPONENTS) for m in (0.5, 0.75)])
  centres = centres.astype(dtype)
  beside = [np.nextafter(centres, centres.dtype.type(x)) for x in (0, np.inf)]
  return np.concatenate([centres, *beside])


def drawn():
  rng = np.random.default_rng(0)
  scales = np.exp(rng.uniform(-20, 20, 20_000))
  return (rng.normal(size=20_000) * scales).astype('float32')


def rounded_by_loops(x, n1, count, cut):
  """Eq. 4 weight by weight: adjacent levels and their middles."""
  level = [0.0, *(2.0**e for e in range(n1 - count + 1, n1 + 1))]
  out = []
  for value in x.astype(np.float64):
    size, found = abs(value), 0.0
    for low, high in itertools.pairwise(level):
      first = (low + high) / 2 if low or cut == 'paper' else 0.75 * high
      if first <= size < 1.5 * high:
        found = high
    found = level[-1] if size >= 1.5 * level[-1] else found
    out.append(np.copysign(found, value) if found else 0.0)
  return np.array(out)


@pytest.mark.parametrize('x', [near_the_cuts(), drawn(), -drawn()])
def test_the_exponent_is_that_of_double_precision(x):
  want = np.floor(np.log2(4 * np.abs(x.astype(np.float64)) / 3))
  got = jax.jit(levels.exponent)(jnp.asarray(x))
  np.testing.assert_array_equal(got, want.astype(int))


def test_the_exponent_of_doubles():
  with jax.enable_x64(True):
    x = near_the_cuts('float64')
    got = levels.exponent(jnp.asarray(x))
    want = np.where(np.frexp(x)[0] >= 0.75, 0, -1) + np.frexp(x)[1]
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize('cut', levels.ZERO_CUTS)
@pytest.mark.parametrize(('n1', 'count'), [(-1, 7), (0, 1), (3, 2), (-20, 8)])
def test_powers_are_the_nearest_levels(cut, n1, count):
  x = np.concatenate([near_the_cuts(), -near_the_cuts(), drawn()])
  got = jax.jit(levels.powers_of_two, static_argnums=(2, 3))(
    jnp.asarray(x), n1, count, cut
  )
  want = rounded_by_loops(x, n1, count, cut)
  np.testing.assert_array_equal(got, want)
  assert not np.signbit(np.asarray(got)[want == 0]).any()


def test_the_two_zero_cuts_by_hand():
  x = jnp.array([0.124, 0.125, 0.187, 0.1875, 0.374, 0.375])
  paper = levels.powers_of_two(x, -1, 2, 'paper')
  assert paper.tolist() == [0.0, 0.25, 0.25, 0.25, 0.25, 0.5]
  seed = levels.powers_of_two(x, -1, 2, 'seed')
  assert seed.tolist() == [0.0, 0.0, 0.0, 0.25, 0.25, 0.5]


@pytest.mark.parametrize('dtype', ['bfloat16', 'float16', 'float32'])
def test_narrow_weights_become_powers_too(dtype):
  x = jnp.asarray(np.random.default_rng(1).normal(size=500), dtype)
  got = levels.powers_of_two(x, 0, 7)
  assert got.dtype == x.dtype
  want = rounded_by_loops(np.asarray(x.astype('float32')), 0, 7, 'paper')
  np.testing.assert_array_equal(np.asarray(got.astype('float32')), want)


def test_what_is_no_number_and_what_is_no_range():
  x = jnp.array([0.0, -0.0, 1e-40, jnp.nan, jnp.inf])
  got = np.asarray(levels.powers_of_two(x, -1, 200))
  np.testing.assert_array_equal(got, [0.0, 0.0, 0.0, np.nan, 0.5])
  below = levels.powers_of_two(jnp.array([0.0, 1.0]), -(2**15), 7)
  assert below.tolist() == [0.0, 0.0]


def test_an_unknown_cut_is_refused():
  with pytest.raises(InputError, match="one of paper, seed, got 'half'"):
    levels.powers_of_two(jnp.ones(2), 0, 7, 'half')


@pytest.mark.parametrize('digits', [1, 12])
@pytest.mark.parametrize('bits', [2, 4, 8])
def test_even_levels_against_numpy(bits, digits):
  rng = np.random.default_rng(bits)
  x = (rng.normal(size=(3, 3, 4, 6)) * np.exp(np.arange(6))).astype('float32')
  x[..., 2] = 0.0
  got = np.asarray(levels.uniform(jnp.asarray(x), bits, digits))
  scale = np.asarray(levels.channel_scale(jnp.asarray(x), bits, digits))
  top = 2 ** (bits - 1) - 1
  exact = np.abs(x.astype(np.float64)).max((0, 1, 2)) / top
  assert np.all(scale[0, 0, 0] >= exact * (1 - 1e-6))
  assert np.all(scale[0, 0, 0] <= exact * (1 + 2.0 ** (1 - digits)))
  in_digits = np.ldexp(np.frexp(scale)[0], digits)
  np.testing.assert_array_equal(in_digits, np.round(in_digits))
  assert scale.shape == (1, 1, 1, 6)
  codes = np.divide(got, scale, where=scale > 0, out=np.zeros_like(got))
  np.testing.assert_array_equal(codes, np.round(codes))
  highest = np.abs(codes).max((0, 1, 2))
  assert highest[2] == 0 and np.all(highest <= top)
  if digits == 12:
    assert highest.tolist() == [top, top, 0, top, top, top]
  # No level is nearer than half a step; the last word is the division's.
  assert np.all(np.abs(got - x) <= scale * (0.5 + 1e-5))
  again = levels.uniform(jnp.asarray(got), bits, digits)
  if digits < 12:
    np.testing.assert_array_equal(again, got)
  np.testing.assert_allclose(again, got, rtol=1e-3)


@settings(max_examples=50, deadline=None)
@given(
  seed=st.integers(0, 10**6), bits=st.integers(2, 8), grow=st.floats(0.2, 5.0)
)
def test_the_step_from_level_to_level_is_exact(seed, bits, grow):
  rng = np.random.default_rng(seed)
  a, b = rng.normal(size=(2, 40, 3)).astype('float32')
  a = levels.uniform(jnp.asarray(a), bits)
  b = levels.uniform(jnp.asarray(b) * grow, bits)
  np.testing.assert_array_equal(a + (b - a), b)


@pytest.mark.parametrize('bits', [1, 9])
def test_bits_that_are_refused(bits):
  with pytest.raises(InputError, match=f'bits must be 2 to 8, got {bits}'):
    levels.uniform(jnp.ones((2, 2)), bits)
