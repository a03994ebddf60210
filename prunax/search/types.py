"""What a searcher is, and what all of them share."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from prunax.errors import InputError


class Best(NamedTuple):
  """The best candidate seen so far: x [dim] and its fitness."""

  x: jax.Array
  fitness: jax.Array


class Searcher(NamedTuple):
  """A derivative-free search as three pure functions; lower is better.

  Attributes:
    init: (key, x0, lower, upper, *, popsize, sigma, ...) -> state. One
      searcher starts at x0; `generations` is how long the search will be,
      `sigma` the width of the first samples, a number or one a coordinate.
    ask: state -> (state, candidates [popsize, dim]), all within the bounds.
    tell: (state, candidates, fitness [popsize]) -> state. A NaN counts as
      worst.

  Every state has `best_x` and `best_fitness`. A coordinate whose bounds are
  equal stays there.
  """

  init: Callable[..., Any]
  ask: Callable[[Any], tuple[Any, jax.Array]]
  tell: Callable[[Any, jax.Array, jax.Array], Any]


def worst_for_nan(fitness: jax.Array) -> jax.Array:
  """Fitness to rank by: a NaN is as bad as can be."""
  return jnp.where(jnp.isnan(fitness), jnp.inf, fitness).astype(jnp.float32)


def better(best: Best, candidates: jax.Array, fitness: jax.Array) -> Best:
  """The best so far after a generation; what came first stays among equals."""
  i = jnp.argmin(fitness)
  won = fitness[i] < best.fitness
  return Best(
    jnp.where(won, candidates[i], best.x),
    jnp.where(won, fitness[i], best.fitness),
  )


def box(
  x0: jax.Array, lower: jax.Array, upper: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
  """Start and bounds as float32 vectors of one length."""
  x0 = jnp.asarray(x0, jnp.float32)
  if x0.ndim != 1 or not x0.size:
    raise InputError(
      f'x0 must be a vector of at least one number, got the shape {x0.shape}:'
      ' give the point to start from'
    )
  return (
    x0,
    jnp.broadcast_to(jnp.asarray(lower, jnp.float32), x0.shape),
    jnp.broadcast_to(jnp.asarray(upper, jnp.float32), x0.shape),
  )


def check_popsize(popsize: int, least: int) -> None:
  """Refuses a generation that is too small for a searcher."""
  if not isinstance(popsize, int) or popsize < least:
    raise InputError(
      f'popsize must be a whole number of at least {least}, got {popsize!r}:'
      ' give the number of candidates in a generation'
    )
