"""Best of random samples: the search that OLMP was released with.

The released class is meant as Negatively Correlated Search, but its test of
replacement never passes, so all parents stay where they began and what is
left is sampling around x0 with a slowly falling width.
"""

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

# How far inside the box a sample is put that fell outside.
_INSIDE = 1e-4


class RandomState(NamedTuple):
  """What random search remembers.

  Attributes:
    key: folded with the generation.
    generation: generations done.
    centre: [popsize, dim] the parents, all alike.
    sigma: [dim] the width of the first samples.
    shrink: the factor of the width.
    every: generations between two shrinkings.
    lower: [dim] bounds.
    upper: [dim] bounds.
    best_x: [dim] the best candidate so far.
    best_fitness: its fitness.
  """

  key: jax.Array
  generation: jax.Array
  centre: jax.Array
  sigma: jax.Array
  shrink: jax.Array
  every: jax.Array
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
  sigma: jax.Array | float = 5.0,
  generations: int | None = None,
  shrink: float = 0.99,
) -> RandomState:
  """Samples will be N(x0, sigma^2), shrunk every `popsize` generations."""
  del generations
  popsize = check_popsize(popsize, 1)
  x0, lower, upper = box(x0, lower, upper)
  check_sigma(sigma, lower, upper)
  return RandomState(
    key=key,
    generation=jnp.int32(0),
    centre=jnp.broadcast_to(x0, (popsize, x0.size)),
    sigma=jnp.broadcast_to(jnp.asarray(sigma, jnp.float32), x0.shape),
    shrink=jnp.float32(shrink),
    every=jnp.int32(popsize),
    lower=lower,
    upper=upper,
    best_x=jnp.clip(x0, lower, upper),
    best_fitness=jnp.float32(jnp.inf),
  )


def ask(state: RandomState) -> tuple[RandomState, jax.Array]:
  """Samples around x0; what falls outside is put just inside the bound."""
  key = jax.random.fold_in(state.key, state.generation)
  width = state.sigma * state.shrink ** (state.generation // state.every)
  x = state.centre + width * jax.random.normal(
    key, state.centre.shape, jnp.float32
  )
  # Half the box where it is narrower than that.
  inside = jnp.minimum(_INSIDE, (state.upper - state.lower) / 2)
  x = jnp.where(x < state.lower, state.lower + inside, x)
  return state, jnp.where(x > state.upper, state.upper - inside, x)


def tell(
  state: RandomState, candidates: jax.Array, fitness: jax.Array
) -> RandomState:
  """Keeps the best; nothing else is learnt."""
  candidates = jnp.asarray(candidates, jnp.float32)
  best = Best(state.best_x, state.best_fitness)
  best = better(best, candidates, told(candidates, fitness))
  return state._replace(
    generation=state.generation + 1, best_x=best.x, best_fitness=best.fitness
  )


SEARCHER = Searcher(init, ask, tell)
