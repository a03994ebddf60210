"""Laws of all searchers, and what each of them reaches."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from prunax import search
from prunax.errors import InputError
from prunax.search import ncs, random_search

LOWER, UPPER = jnp.array([-3.0, -1.0, 0.0]), jnp.array([5.0, 4.0, 2.0])
START = jnp.array([4.0, -1.0, 1.0])
MORE = {'random': {'sigma': 1.0}, 'ncs': {}, 'cma_es': {}}
every_search = pytest.mark.parametrize('name', search.SEARCHERS)


def sphere(x):
  return jnp.sum(jnp.square(x))


def rastrigin(x):
  return jnp.sum(x**2 - 10 * jnp.cos(2 * jnp.pi * x) + 10)


def found(name, fitness, generations, seeds=(0,), popsize=10, box=None, **more):
  """The last state of a whole search from each seed: one program for all."""
  start, lower, upper = box or (START, LOWER, UPPER)
  searcher = search.get(name)

  @jax.jit
  def run(key):
    state = searcher.init(
      key,
      start,
      lower,
      upper,
      popsize=popsize,
      generations=generations,
      **MORE[name] | more,
    )

    def values(seen, candidates):
      seen = jnp.maximum(seen, jnp.max(jnp.abs(candidates)))
      return seen, search.over_population(fitness, candidates)

    return search.minimize(searcher, state, values, 0.0, generations)[0]

  return [run(jax.random.key(seed)) for seed in seeds]


@every_search
def test_all_candidates_lie_within_the_bounds(name):
  searcher = search.get(name)
  state = searcher.init(
    jax.random.key(3), START, LOWER, UPPER, popsize=8, sigma=20.0
  )
  for _ in range(6):
    state, x = searcher.ask(state)
    assert x.shape == (8, 3)
    assert (x >= LOWER).all() and (x <= UPPER).all()
    state = searcher.tell(state, x, jnp.sum(x, -1))
  assert (state.best_x >= LOWER).all() and (state.best_x <= UPPER).all()


@every_search
def test_the_best_is_the_least_that_was_told(name):
  searcher = search.get(name)
  state = searcher.init(jax.random.key(0), START, LOWER, UPPER, popsize=6)
  told = []
  for _ in range(5):
    state, x = searcher.ask(state)
    values = jnp.sum(jnp.abs(x), -1)
    told += [(float(v), *map(float, c)) for v, c in zip(values, x, strict=True)]
    state = searcher.tell(state, x, values)
  least = min(told)
  assert float(state.best_fitness) == least[0]
  np.testing.assert_array_equal(state.best_x, np.float32(least[1:]))


@every_search
def test_the_same_key_gives_the_same_answer(name):
  (one,), (two, other) = (
    found(name, sphere, 12, seeds) for seeds in ((4,), (4, 5))
  )
  one, two, other = (state.best_x for state in (one, two, other))
  np.testing.assert_array_equal(one, two)
  assert (one != other).any()


def test_one_searcher_starts_where_it_was_told():
  state = ncs.init(jax.random.key(0), START, LOWER, UPPER, popsize=5)
  np.testing.assert_array_equal(ncs.ask(state)[1][0], START)


@every_search
def test_a_coordinate_without_room_stays(name):
  box = START, LOWER.at[1].set(START[1]), UPPER.at[1].set(START[1])
  (state,) = found(name, sphere, 30, box=box)
  # A width of its own is no mistake there either.
  search.get(name).init(
    jax.random.key(0), *box, popsize=4, sigma=jnp.array([1.0, 0.0, 1.0])
  )
  assert float(state.best_x[1]) == float(START[1])
  assert np.isfinite(state.best_x).all()


@every_search
def test_nan_counts_as_worst(name):
  def fitness(x):
    return jnp.where(x[0] > 1.0, jnp.nan, sphere(x))

  (state,) = found(name, fitness, 40, sigma=3.0)
  assert np.isfinite(state.best_fitness) and state.best_x[0] <= 1.0
  (hopeless,) = found(name, lambda x: jnp.nan * x[0], 5)
  assert np.isinf(hopeless.best_fitness)
  np.testing.assert_array_equal(hopeless.best_x, START)


@pytest.mark.parametrize(
  ('name', 'generations', 'least'),
  [('ncs', 3_000, 0.02), ('random', 1_000, 3.0), ('cma_es', 100, 1e-6)],
)
def test_the_sphere(name, generations, least):
  box = jnp.full(4, 3.0), jnp.full(4, -5.0), jnp.full(4, 5.0)
  for state in found(name, sphere, generations, range(3), box=box, sigma=2.0):
    assert float(state.best_fitness) < least


@pytest.mark.parametrize(
  ('name', 'generations'), [('ncs', 1_500), ('random', 800), ('cma_es', 100)]
)
def test_a_constrained_toy(name, generations):
  # As much as possible of both, under x + 2 y <= 4: 4 at (4, 0).
  def fitness(x):
    violation = x[0] + 2 * x[1] - 4.0
    return jnp.where(violation > 0, 10 + violation, -(x[0] + x[1]))

  box = jnp.zeros(2), jnp.zeros(2), jnp.full(2, 10.0)
  for state in found(name, fitness, generations, range(3), box=box, sigma=3.0):
    assert -4.0001 < float(state.best_fitness) < -3.5


@pytest.mark.parametrize(
  ('name', 'generations', 'popsize'), [('ncs', 3_000, 20), ('cma_es', 80, 40)]
)
def test_rastrigin_in_two_dimensions(name, generations, popsize):
  box = jnp.full(2, 4.0), jnp.full(2, -5.12), jnp.full(2, 5.12)
  states = found(name, rastrigin, generations, range(5), popsize, box)
  values = [float(state.best_fitness) for state in states]
  # The second best hollow has 0.995.
  assert sorted(values)[2] < 0.5


def test_random_search_by_hand():
  state = random_search.init(
    jax.random.key(0), jnp.zeros(2), -1e9, 1e9, popsize=2_000, sigma=5.0
  )
  # Shrunk every popsize generations; the samples tell the width.
  for generation, width in ((0, 5.0), (1_999, 5.0), (2_000, 4.95)):
    _, x = random_search.ask(state._replace(generation=jnp.int32(generation)))
    np.testing.assert_allclose(np.std(x), width, rtol=0.03)
  two, three = (
    random_search.ask(
      state._replace(generation=jnp.int32(2_000), shrink=jnp.float32(s))
    )[1]
    for s in (1.0, 0.99)
  )
  np.testing.assert_allclose(three, 0.99 * two, rtol=1e-5)
  # All parents stay where they began.
  state = random_search.tell(state, x, -jnp.sum(x, -1))
  np.testing.assert_array_equal(state.centre, np.zeros((2_000, 2)))


def test_random_search_puts_samples_just_inside():
  state = random_search.init(
    jax.random.key(0), jnp.array([0.5]), 0.0, 1.0, popsize=50, sigma=5.0
  )
  x = np.asarray(random_search.ask(state)[1])
  assert {np.float32(1e-4), np.float32(1 - 1e-4)} <= set(x.ravel())
  assert x.min() > 0 and x.max() < 1


def test_ncs_takes_the_better_and_the_distant_by_hand():
  state = ncs.init(
    jax.random.key(0),
    jnp.array([0.0]),
    -10.0,
    10.0,
    popsize=2,
    sigma=1.0,
    spread=0.0,
  )
  parents = jnp.array([[0.0], [4.0]])
  state = ncs.tell(state, parents, jnp.array([1.0, 3.0]))
  np.testing.assert_array_equal(state.parents, parents)
  # Distances to the other parent with equal widths are (a - b)^2 / 8.
  near = np.array([2.0, 2.0])
  candidates = jnp.array([[2.0], [8.0]])
  far = np.array([0.5, 8.0])
  values = np.array([0.5, 4.0])
  # The best so far is 0.5, so the first has 0 / (0.5 + 0), the second
  # 3.5 / (2.5 + 3.5) against 8 / (2 + 8).
  worse = (values - 0.5) / ((np.array([1.0, 3.0]) - 0.5) + (values - 0.5))
  accepted = far / (near + far) > worse
  assert accepted.tolist() == [True, True]
  state = ncs.tell(state, candidates, jnp.asarray(values))
  np.testing.assert_array_equal(state.parents, candidates)
  np.testing.assert_allclose(state.fitness, values)
  # As good as the best itself: 0 / 0 is refused, however far away.
  same = ncs.tell(state, jnp.array([[-9.0], [8.0]]), jnp.array([0.5, 4.0]))
  assert float(same.parents[0, 0]) == 2.0


def test_ncs_changes_its_steps_by_the_rule_of_a_fifth():
  state = ncs.init(
    jax.random.key(0), jnp.zeros(1), -1.0, 1.0, popsize=2, sigma=0.5
  )
  state = state._replace(
    generation=jnp.int32(2), successes=jnp.array([1, 0], jnp.int32)
  )
  x = state.parents
  state = ncs.tell(state, x, jnp.full(2, jnp.nan))
  # One success of two is more than a fifth, none is less.
  np.testing.assert_allclose(
    state.sigma[:, 0], [0.5 / 0.99, 0.5 * 0.99], rtol=1e-6
  )
  assert state.successes.tolist() == [0, 0]


def test_distances_by_hand():
  x = jnp.array([[0.0, 0.0], [1.0, 2.0], [9.0, 9.0]])
  sigma = jnp.array([[1.0, 1.0], [2.0, 1.0], [1.0, 1.0]])
  middle = (1 + 4) / 2
  expected = (1 / middle + 4) / 8 + (np.log(middle) - np.log(4) / 2) / 2
  got = ncs.distances(x, x, sigma)
  np.testing.assert_allclose(got[:2], [expected, expected], rtol=1e-6)


def test_mistakes_are_told():
  with pytest.raises(InputError, match=r"must be one of ncs, .*, got 'nsc'"):
    search.get('nsc')
  with pytest.raises(InputError, match=r'popsize .* at least 2, got 1'):
    ncs.init(jax.random.key(0), START, LOWER, UPPER, popsize=1)
  with pytest.raises(InputError, match=r'x0 must be a vector .* \(2, 2\)'):
    ncs.init(jax.random.key(0), jnp.zeros((2, 2)), 0.0, 1.0)


def test_a_population_is_the_same_side_by_side(monkeypatch):
  x = jnp.arange(6.0).reshape(3, 2)
  one = search.over_population(sphere, x)
  monkeypatch.setattr(jax, 'default_backend', lambda: 'gpu')
  np.testing.assert_allclose(search.over_population(sphere, x), one)


@every_search
@pytest.mark.parametrize(
  ('given', 'sentence'),
  [
    ({'lower': UPPER, 'upper': LOWER}, r'lower <= upper, got \[5'),
    ({'lower': jnp.nan}, 'lower must be finite, got nan'),
    ({'upper': jnp.full(3, jnp.inf)}, 'upper must be finite, got'),
    ({'upper': jnp.ones(2)}, r'upper .* each of the 3 .* got the shape \(2,\)'),
    ({'x0': jnp.full(3, jnp.nan)}, 'x0 must be finite'),
    ({'sigma': 0.0}, 'sigma must be finite and above 0, got 0'),
    ({'sigma': -1.0}, 'sigma must be finite and above 0, got -1'),
    ({'sigma': jnp.nan}, 'sigma must be finite and above 0, got nan'),
    ({'popsize': True}, 'popsize must be a whole number .* got True'),
    ({'popsize': 10.0}, 'popsize must be a whole number .* got 10.0'),
  ],
)
def test_an_impossible_search_is_refused(name, given, sentence):
  more = {'x0': START, 'lower': LOWER, 'upper': UPPER} | given
  with pytest.raises(InputError, match=sentence):
    search.get(name).init(jax.random.key(0), **more)


@every_search
def test_numpy_asks_and_tells(name):
  searcher = search.get(name)
  state = searcher.init(
    jax.random.key(0), [4.0, -1.0, 1.0], LOWER, UPPER, popsize=np.int64(6)
  )
  state, x = searcher.ask(state)
  state = searcher.tell(state, np.asarray(x), [6.0, 5.0, 4.0, 1.0, 2.0, 3.0])
  np.testing.assert_array_equal(state.best_x, x[3])


@every_search
@pytest.mark.parametrize('shape', [(), (6, 1), (5,)])
def test_fitness_is_one_number_a_candidate(name, shape):
  searcher = search.get(name)
  state = searcher.init(jax.random.key(0), START, LOWER, UPPER, popsize=6)
  state, x = searcher.ask(state)
  with pytest.raises(InputError, match='fitness must be one number a cand'):
    searcher.tell(state, x, jnp.zeros(shape))
