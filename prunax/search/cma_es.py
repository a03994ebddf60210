"""CMA-ES (Hansen and Ostermeier 2001), by the package evosax."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from prunax.errors import InputError
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


class CMAState(NamedTuple):
  """The state of evosax in coordinates where x0 is 0 and sigma is 1.

  Attributes:
    key: folded with the generation.
    generation: generations done.
    inner: the state of evosax.
    params: its settings.
    x0: [dim] where the search starts.
    sigma: [dim] the first step size.
    lower: [dim] bounds.
    upper: [dim] bounds.
    best_x: [dim] the best candidate so far.
    best_fitness: its fitness.
  """

  key: jax.Array
  generation: jax.Array
  inner: Any
  params: Any
  x0: jax.Array
  sigma: jax.Array
  lower: jax.Array
  upper: jax.Array
  best_x: jax.Array
  best_fitness: jax.Array


# One object for a size, since evosax compiles its functions for the object.
@functools.lru_cache(maxsize=16)
def _algorithm(popsize: int, dim: int) -> Any:
  try:
    from evosax.algorithms.distribution_based.cma_es import CMA_ES
  except ImportError as e:
    raise InputError(
      f"the search 'cma_es' must have the package evosax, but {e}: run pip"
      " install 'prunax[search]', or use 'ncs'"
    ) from e
  # Settings that are computed while tracing would be the trace's own.
  with jax.ensure_compile_time_eval():
    return CMA_ES(popsize, jnp.zeros(dim))


def init(
  key: jax.Array,
  x0: jax.Array,
  lower: jax.Array,
  upper: jax.Array,
  *,
  popsize: int = 10,
  sigma: jax.Array | float | None = None,
  generations: int | None = None,
) -> CMAState:
  """One Gaussian around x0; by default it reaches over a quarter of the box."""
  del generations
  popsize = check_popsize(popsize, 4)
  x0, lower, upper = box(x0, lower, upper)
  check_sigma(sigma, lower, upper)
  algorithm = _algorithm(popsize, x0.size)
  params = algorithm.default_params
  first, key = jax.random.split(key)
  wide = (upper - lower) / 4 if sigma is None else sigma
  return CMAState(
    key=key,
    generation=jnp.int32(0),
    inner=jax.tree.map(
      jnp.asarray, algorithm.init(first, jnp.zeros(x0.size), params)
    ),
    params=jax.tree.map(jnp.asarray, params),
    x0=jnp.clip(x0, lower, upper),
    sigma=jnp.broadcast_to(jnp.asarray(wide, jnp.float32), x0.shape),
    lower=lower,
    upper=upper,
    best_x=jnp.clip(x0, lower, upper),
    best_fitness=jnp.float32(jnp.inf),
  )


def _size(state: CMAState) -> tuple[int, int]:
  return state.params.weights.shape[0], state.x0.size


def ask(state: CMAState) -> tuple[CMAState, jax.Array]:
  """Samples, moved to the bound where they fall outside."""
  key = jax.random.fold_in(state.key, state.generation)
  algorithm = _algorithm(*_size(state))
  z, inner = algorithm.ask(key, state.inner, state.params)
  x = jnp.clip(state.x0 + state.sigma * z, state.lower, state.upper)
  return state._replace(inner=inner), x


def tell(
  state: CMAState, candidates: jax.Array, fitness: jax.Array
) -> CMAState:
  """Moves and turns the Gaussian towards the better half."""
  candidates = jnp.asarray(candidates, jnp.float32)
  fitness = told(candidates, fitness)
  best = better(Best(state.best_x, state.best_fitness), candidates, fitness)
  # A coordinate that cannot move has width 0.
  width = jnp.where(state.sigma > 0, state.sigma, 1.0)
  z = (candidates - state.x0) / width
  algorithm = _algorithm(*_size(state))
  key = state.key
  inner, _ = algorithm.tell(
    key, z, jnp.minimum(fitness, _FAILED), state.inner, state.params
  )
  return state._replace(
    generation=state.generation + 1,
    inner=jax.tree.map(
      lambda new, old: jnp.asarray(new, old.dtype), inner, state.inner
    ),
    best_x=best.x,
    best_fitness=best.fitness,
  )


SEARCHER = Searcher(init, ask, tell)
