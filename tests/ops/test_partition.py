"""How many weights stay float, and which, against exact arithmetic."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prunax.ops import partition


@settings(max_examples=200, deadline=None)
@given(size=st.integers(0, 2**31 - 1), digits=st.integers(0, 10_000))
def test_what_is_left_is_rounded_half_away_from_zero(size, digits):
  exact = size * (1 - Fraction(digits, 10_000))
  want = int(exact + Fraction(1, 2))
  assert int(partition.left_free(size, digits / 10_000)) == want


def test_a_third_is_a_third():
  left = jax.jit(partition.left_free, static_argnums=1)
  assert [int(left(n, 2 / 3)) for n in (3, 9, 300)] == [1, 3, 100]


@pytest.mark.parametrize('left', [0, 1, 250, 499, 500, 900])
def test_the_largest_of_the_free_are_chosen(left):
  rng = np.random.default_rng(left)
  x, free = rng.normal(size=(2, 500)).astype('float32')
  free = free > 0
  got = jax.jit(partition.largest_free)(jnp.asarray(x), jnp.asarray(free), left)
  now = max(int(free.sum()) - left, 0)
  order = sorted(np.flatnonzero(free), key=lambda i: -abs(x[i]))
  want = np.zeros(500, bool)
  want[order[:now]] = True
  np.testing.assert_array_equal(got, want)


def test_ties_go_together():
  x = jnp.array([1.0, -2.0, 2.0, 2.0, 0.5])
  got = partition.largest_free(x, jnp.ones(5, bool), 3)
  assert got.tolist() == [False, True, True, True, False]


def test_zeros_that_are_free_come_last():
  x, free = jnp.array([0.0, 1.0, 0.0]), jnp.array([True, True, False])
  assert partition.largest_free(x, free, 1).tolist() == [False, True, False]
  assert partition.largest_free(x, free, 0).tolist() == [True, True, False]
  # One of two could go, but of equal zeros none is the larger.
  zeros = jnp.zeros(2)
  assert not partition.largest_free(zeros, jnp.ones(2, bool), 1).any()
