"""A candidate's masks and its fitness, by hand."""

import jax.numpy as jnp
import numpy as np
import pytest

from prunax.errors import InputError
from prunax.search.candidates import Plan, Subject, judge, masks_at

DENSE = [
  jnp.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]),
  jnp.array([[1.0, 2.0], [3.0, 4.0]]),
]


def plan(**settings):
  return Plan(layers=((0,), (1,)), **settings)


def test_masks_keep_their_band():
  given = Subject(
    dense=DENSE,
    mask=[jnp.ones(6, bool), jnp.zeros((2, 2), bool)],
    mean=jnp.zeros(2),
    std=jnp.ones(2),
    c_rate=jnp.zeros(2),
    searched=jnp.ones(2, bool),
  )
  drawn = masks_at(
    given, given.mask, jnp.array([0.32, 2.0]), plan(band=(0.9, 1.1))
  )
  # Pruned at or below 0.288; 2.0 is within the band of 1.8 to 2.2.
  assert drawn[0].tolist() == [False, False, True, True, True, True]
  assert drawn[1].tolist() == [[False, False], [True, True]]


def judged(accuracy, mask=None, **settings):
  mask = mask or [jnp.ones(6, bool), jnp.ones((2, 2), bool)]
  return judge(DENSE, mask, accuracy, 0.5, plan(**settings))


def test_feasible_beats_infeasible_and_these_rank_by_violation():
  half = [jnp.array([True, False] * 3), jnp.eye(2, dtype=bool)]
  ranked = [judged(a, half) for a in (0.9, 0.5, 0.49, 0.2)]
  values = [float(x.fitness) for x in ranked]
  assert values[0] == values[1] == 0.5
  assert 1 < values[2] < values[3] < 2
  assert [bool(x.feasible) for x in ranked] == [True, True, False, False]
  # Everything alive is a share of 1, and still feasible.
  assert float(judged(0.5).fitness) == 1.0 and bool(judged(0.5).feasible)
  for accuracy in (0.49, 0.2):
    value = judged(accuracy, half, compat=True, allow_empty=True).fitness
    np.testing.assert_allclose(value, 1.1)


def test_an_emptied_layer_and_a_nan_rank_last():
  empty = [jnp.ones(6, bool), jnp.zeros((2, 2), bool)]
  emptied = judged(0.9, empty)
  assert bool(emptied.emptied) and not bool(emptied.feasible)
  assert float(emptied.fitness) > float(judged(0.0).fitness)
  assert bool(judged(0.9, empty, allow_empty=True).feasible)
  for mask in (None, empty):
    broken = judged(jnp.nan, mask)
    assert np.isinf(broken.fitness) and not bool(broken.feasible)


def test_a_living_bias_does_not_keep_a_layer():
  one = Plan(layers=((0, 1),))
  mask = [jnp.ones(6, bool), jnp.zeros((2, 2), bool)]
  found = judge(DENSE, mask, 0.9, 0.5, one)
  assert bool(found.emptied)


def test_settings_out_of_range():
  with pytest.raises(InputError, match=r'lower < upper, got 5\.0 and 5\.0'):
    plan(lower=5.0, upper=5.0)
  with pytest.raises(InputError, match=r'generations .* at least 1, got 0'):
    plan(generations=0)
