"""Negatively Correlated Search (Tang, Yang and Yao 2016)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from prunax.search.types import (
  Best,
  Searcher,
  better,
  box,
  check_popsize,
  check_sigma,
  told,
)

# What stands for the fitness of a candidate that failed.
_FAILED = 1e30
_TINY = 1e-12


class NCSState(NamedTuple):
  """Parallel Gaussian searchers that keep away from each other.

  Attributes:
    key: folded with the generation.
    generation: generations done; the first one evaluates the parents.
    generations: T, how many there will be.
    parents: [popsize, dim]
    fitness: [popsize]
    sigma: [popsize, dim] step sizes.
    successes: [popsize] replacements since the step sizes last changed.
    shrink: r of the 1/5 rule.
    spread: the first width of the balance between fitness and distance.
    lower: [dim] bounds.
    upper: [dim] bounds.
    best_x: [dim] the best candidate so far.
    best_fitness: its fitness.
  """

  key: jax.Array
  generation: jax.Array
  generations: jax.Array
  parents: jax.Array
  fitness: jax.Array
  sigma: jax.Array
  successes: jax.Array
  shrink: jax.Array
  spread: jax.Array
  lower: jax.Array
  upper: jax.Array
  best_x: jax.Array
  best_fitness: jax.Array


def init(
  key: jax.Array,
  x0: jax.Array,
  lower: jax.Array,
  upper: jax.Array,
  *,
  popsize: int = 10,
  sigma: jax.Array | float | None = None,
  generations: int = 100,
  shrink: float = 0.99,
  spread: float = 0.1,
) -> NCSState:
  """Searchers uniform in the box, the first at x0.

  Args:
    key: decides all samples.
    x0: [dim] where the first searcher starts.
    lower: [dim] or a number.
    upper: [dim] or a number.
    popsize: the number of searchers.
    sigma: the first step size; by default the width of the box / popsize.
    generations: T, after which the balance between fitness and distance is
      no longer random.
    shrink: r, by which a step size changes.
    spread: the first width of that balance.
  """
  popsize = check_popsize(popsize, 2)
  x0, lower, upper = box(x0, lower, upper)
  check_sigma(sigma, lower, upper)
  start, key = jax.random.split(key)
  parents = jax.random.uniform(
    start, (popsize, x0.size), jnp.float32, minval=lower, maxval=upper
  )
  first = (upper - lower) / popsize if sigma is None else sigma
  return NCSState(
    key=key,
    generation=jnp.int32(0),
    generations=jnp.float32(generations),
    parents=parents.at[0].set(jnp.clip(x0, lower, upper)),
    fitness=jnp.full((popsize,), _FAILED, jnp.float32),
    sigma=jnp.broadcast_to(jnp.asarray(first, jnp.float32), parents.shape),
    successes=jnp.zeros((popsize,), jnp.int32),
    shrink=jnp.float32(shrink),
    spread=jnp.float32(spread),
    lower=lower,
    upper=upper,
    best_x=jnp.clip(x0, lower, upper),
    best_fitness=jnp.float32(jnp.inf),
  )


def reflect(x: jax.Array, lower: jax.Array, upper: jax.Array) -> jax.Array:
  """Mirrors what is outside at the bound it crossed, once.

  What is outside even then goes to the other bound.

  >>> reflect(jnp.array([-0.25, 0.5, 1.25, 9.0]), 0.0, 1.0).tolist()
  [0.25, 0.5, 0.75, 0.0]
  """
  x = jnp.where(
    x < lower, 2 * lower - x, jnp.where(x > upper, 2 * upper - x, x)
  )
  return jnp.clip(x, lower, upper)


def distances(x: jax.Array, parents: jax.Array, sigma: jax.Array) -> jax.Array:
  """[n]: each searcher's Bhattacharyya distance to the nearest other one.

  Row i stands for the Gaussian of mean x[i] and widths sigma[i].

  >>> x = jnp.array([[0.0], [2.0]])
  >>> distances(x, x, jnp.ones((2, 1))).tolist()
  [0.5, 0.5]
  """
  variance = jnp.maximum(jnp.square(sigma), _TINY)
  mine, other = variance[:, None], variance[None]
  middle = (mine + other) / 2
  apart = jnp.sum(jnp.square(x[:, None] - parents[None]) / middle, -1) / 8
  logs = jnp.log(middle) - (jnp.log(mine) + jnp.log(other)) / 2
  distance = apart + jnp.sum(logs, -1) / 2
  itself = jnp.eye(len(x), dtype=bool)
  return jnp.min(jnp.where(itself, jnp.inf, distance), -1)


def _sample_key(state: NCSState, use: int) -> jax.Array:
  key = state.key
  return jax.random.fold_in(jax.random.fold_in(key, state.generation), use)


def ask(state: NCSState) -> tuple[NCSState, jax.Array]:
  """The parents at first, then one offspring of each."""
  noise = jax.random.normal(
    _sample_key(state, 0), state.parents.shape, jnp.float32
  )
  offspring = state.parents + state.sigma * noise
  offspring = reflect(offspring, state.lower, state.upper)
  return state, jnp.where(state.generation == 0, state.parents, offspring)


def tell(
  state: NCSState, candidates: jax.Array, fitness: jax.Array
) -> NCSState:
  """Replaces the parents whose offspring are better, or far enough away."""
  candidates = jnp.asarray(candidates, jnp.float32)
  fitness = told(candidates, fitness)
  best = better(Best(state.best_x, state.best_fitness), candidates, fitness)
  finite = jnp.minimum(fitness, _FAILED)
  mine, theirs = state.fitness - best.fitness, finite - best.fitness
  worse = theirs / (mine + theirs)
  far = distances(candidates, state.parents, state.sigma)
  near = distances(state.parents, state.parents, state.sigma)
  # 0/0 gives a NaN, which no comparison accepts.
  apart = far / (near + far)
  time = jnp.minimum(state.generation / state.generations, 1.0)
  balance = 1 + state.spread * (1 - time) * jax.random.normal(
    _sample_key(state, 1), worse.shape, jnp.float32
  )
  first = state.generation == 0
  accepted = (balance * apart > worse) & ~first
  taken = accepted | first
  successes = state.successes + accepted
  epoch = state.parents.shape[0]
  ends = ~first & (state.generation % epoch == 0)
  factor = jnp.where(
    5 * successes > epoch,
    1 / state.shrink,
    jnp.where(5 * successes < epoch, state.shrink, 1.0),
  )
  return state._replace(
    generation=state.generation + 1,
    parents=jnp.where(taken[:, None], candidates, state.parents),
    fitness=jnp.where(taken, finite, state.fitness),
    sigma=jnp.where(ends, state.sigma * factor[:, None], state.sigma),
    successes=jnp.where(ends, 0, successes),
    best_x=best.x,
    best_fitness=best.fitness,
  )


SEARCHER = Searcher(init, ask, tell)
