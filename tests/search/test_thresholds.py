"""The search for thresholds, by hand and against plain loops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from prunax import search
from prunax.search import thresholds
from prunax.search.candidates import Plan, Subject

DENSE = [
  jnp.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]),
  jnp.array([[1.0, 2.0], [3.0, 4.0]]),
]


def subject(c_rate=(0.0, 0.0), mask=None, searched=(True, True)):
  """Two layers of mean 0 and std 1, so that a threshold is its c_rate."""
  return Subject(
    dense=DENSE,
    mask=mask or [jnp.ones_like(x, bool) for x in DENSE],
    mean=jnp.zeros(2),
    std=jnp.ones(2),
    c_rate=jnp.asarray(c_rate, jnp.float32),
    searched=jnp.asarray(searched),
  )


def plan(**settings):
  return Plan(
    layers=((0,), (1,)),
    **{'upper': 5.0, 'band': (1.0, 1.0), 'generations': 40} | settings,
  )


def searched(accuracy, floor, name='ncs', given=None, seed=0, **settings):
  """One whole search, compiled."""
  more = {'sigma': 1.0} if name == 'random' else {}
  return jax.jit(
    lambda key: thresholds.search(
      search.get(name),
      more,
      accuracy,
      given or subject(),
      floor,
      key,
      plan(**settings),
    )
  )(jax.random.key(seed))


def weight_left(leaves):
  """As if each unit of weight were an answer: 12.1 in all."""
  return sum(jnp.sum(jnp.abs(x)) for x in leaves) / 12.1


@pytest.mark.parametrize('name', search.SEARCHERS)
def test_the_best_under_the_constraint_is_found(name):
  # 7 of 12.1 have to stay: 3 + 4 alone, but the first layer may not be
  # emptied, so three weights: the first threshold in 0.5 to 0.6, the second
  # in 2 to 3.
  found = searched(weight_left, 7.0 / 12.1, name, generations=400, restarts=3)
  assert bool(found.best.feasible) and int(found.best.alive) == 3
  assert found.mask[0].tolist() == [False] * 5 + [True]
  assert found.mask[1].tolist() == [[False, False], [True, True]]
  np.testing.assert_allclose(found.best.fitness, 3 / 10)
  np.testing.assert_allclose(found.best.accuracy, 7.6 / 12.1, rtol=1e-6)


def test_a_layer_is_emptied_where_that_is_allowed():
  found = searched(weight_left, 7.0 / 12.1, allow_empty=True)
  assert int(found.best.alive) == 2 and not found.mask[0].any()


@pytest.mark.parametrize('compat', [False, True])
def test_only_the_searched_layers_move(compat):
  given = subject(c_rate=(0.25, 1.5), searched=(False, True))
  found = searched(weight_left, 0.1, given=given, compat=compat)
  assert float(found.c_rate[0]) == 0.25
  assert found.mask[0].tolist() == [False, False, True, True, True, True]
  assert float(found.c_rate[1]) > 1.5


def test_where_nothing_is_feasible_the_masks_stay():
  mask = [jnp.array([True] * 5 + [False]), jnp.ones((2, 2), bool)]
  found = searched(weight_left, 1.5, given=subject((0.15, 0.5), mask))
  assert not bool(found.best.feasible)
  np.testing.assert_allclose(found.c_rate, [0.15, 0.5])
  for new, old in zip(found.mask, mask, strict=True):
    np.testing.assert_array_equal(new, old)
  # The nearest one keeps everything.
  np.testing.assert_allclose(found.best.accuracy, 1.0, rtol=1e-6)


def test_a_nan_accuracy_is_never_taken():
  def accuracy(leaves):
    return jnp.where(leaves[1][0, 0] == 0, jnp.nan, weight_left(leaves))

  found = searched(accuracy, 0.05)
  assert bool(found.best.feasible) and bool(found.mask[1][0, 0])


def test_compat_is_the_released_loop():
  """Candidates in order, each from the masks that the last one left."""
  settings = {
    'band': (0.9, 1.1),
    'compat': True,
    'allow_empty': True,
    'popsize': 3,
    'generations': 4,
  }
  given, floor = subject((0.1, 0.5)), 0.5
  found = searched(weight_left, floor, 'random', given, 7, **settings)

  told = plan(**settings)
  mask = given.mask
  best, best_c = np.inf, np.asarray(given.c_rate)

  def value(c):
    nonlocal mask
    mask = [
      (np.asarray(m) | (np.abs(x) > np.float32(1.1) * t))
      & ~(np.abs(x) <= np.float32(0.9) * t)
      for m, x, t in zip(mask, DENSE, np.float32(c), strict=True)
    ]
    left = sum(
      float((m * np.asarray(x)).sum()) for m, x in zip(mask, DENSE, strict=True)
    )
    alive = sum(int(m.sum()) for m in mask)
    return alive / 10 if left / 12.1 >= floor else 1.1

  best = value(best_c)
  searcher = search.get('random')
  key = jax.random.split(jax.random.key(7), 1)[0]
  state = searcher.init(key, given.c_rate, 0.0, 5.0, popsize=3, sigma=1.0)
  for _ in range(told.generations):
    state, candidates = searcher.ask(state)
    values = [value(c) for c in np.asarray(candidates)]
    for v, c in zip(values, np.asarray(candidates), strict=True):
      if v < best:
        best, best_c = v, c
    state = searcher.tell(state, candidates, jnp.asarray(values))
  value(best_c)
  np.testing.assert_allclose(found.c_rate, best_c, rtol=1e-6)
  for m, n in zip(found.mask, mask, strict=True):
    np.testing.assert_array_equal(m, n)


def test_restarts_never_lose():
  one = searched(weight_left, 0.3, 'random', generations=3)
  many = searched(weight_left, 0.3, 'random', generations=3, restarts=8)
  assert float(many.best.fitness) <= float(one.best.fitness)
  assert plan(restarts=8, generations=3).evaluations == 241
