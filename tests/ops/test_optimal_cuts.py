"""The best cuts against all cuts, and row minima against a plain search."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prunax.ops import optimal_cuts


def error(values, weights, cuts):
  """The squared error of the clusters between cuts, each about its mean."""
  total = 0.0
  for a, b in itertools.pairwise([0, *cuts, len(values)]):
    mean = np.average(values[a:b], weights=weights[a:b])
    total += float(np.sum(weights[a:b] * (values[a:b] - mean) ** 2))
  return total


def programme(values, weights, k):
  """The least error with k clusters, by the quadratic dynamic programme."""
  n = len(values)
  cost = np.full((n, n + 1), np.inf)
  for a, b in itertools.combinations(range(n + 1), 2):
    cost[a, b] = error(values[a:b], weights[a:b], [])
  least = cost[0]
  for _ in range(k - 1):
    least = np.array([np.min(least[:n] + cost[:, b]) for b in range(n + 1)])
  return least[n]


def check(values, weights, k):
  sums = optimal_cuts.sums_of(values, weights)
  cuts = optimal_cuts.optimal_cuts(sums, k)
  assert len(cuts) == k - 1
  assert np.all(np.diff([0, *cuts, len(values)]) > 0)
  scale = float(np.sum(weights) * np.max(np.abs(values - values.mean())) ** 2)
  got, want = error(values, weights, cuts), programme(values, weights, k)
  assert want - 1e-14 * scale <= got <= want * (1 + 1e-9) + 1e-14 * scale


@given(st.integers(0, 10**6), st.integers(2, 60), st.integers(1, 12))
@settings(max_examples=80, deadline=None)
def test_no_cuts_are_better(seed, n, k):
  rng = np.random.default_rng(seed)
  draw = [rng.normal, rng.standard_cauchy, rng.random][seed % 3]
  values = np.unique(draw(size=n))
  check(values, rng.random(len(values)) + 1e-3, min(k, len(values)))


@pytest.mark.parametrize('seed', range(5))
def test_a_small_spread_on_an_offset(seed):
  rng = np.random.default_rng(seed)
  values = np.unique(1 + 1e-3 * rng.normal(size=100))
  check(values, np.ones(100), 9)


@pytest.mark.parametrize('seed', range(5))
def test_weights_of_many_magnitudes(seed):
  rng = np.random.default_rng(seed)
  values = np.unique(rng.normal(size=100))
  check(values, 10.0 ** rng.uniform(-9, 0, 100), 7)


def test_blocks_that_are_split_many_times():
  # Larger than the first blocks by far, and with two equally good halves.
  half = np.random.default_rng(0).random(150)
  values = np.sort(np.concatenate([half, 10 + half]))
  check(values, np.ones(300), 3)


def test_all_the_same_error_by_brute_force():
  values, weights = np.arange(9.0), np.ones(9)
  sums = optimal_cuts.sums_of(values, weights)
  got = error(values, weights, optimal_cuts.optimal_cuts(sums, 4))
  every = itertools.combinations(range(1, 9), 3)
  assert got == min(error(values, weights, cuts) for cuts in every)


@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(1, 40))
@settings(max_examples=50, deadline=None)
def test_row_minima_of_a_monotone_matrix(seed, rows, columns):
  rng = np.random.default_rng(seed)
  row = np.sort(rng.normal(size=rows))[:, None]
  table = (row - np.sort(rng.normal(size=columns))) ** 2
  least, found = optimal_cuts.row_minima(
    rows, columns, lambda i, j: table[i, j]
  )
  np.testing.assert_array_equal(least, table.min(1))
  np.testing.assert_array_equal(found, table.argmin(1))


def test_settled_cuts_lie_between_two_means():
  values = np.array([0.0, 1.0, 2.0, 9.0, 10.0])
  sums = optimal_cuts.sums_of(values, np.ones(5))
  assert optimal_cuts.settled(sums, np.array([1])).tolist() == [3]
