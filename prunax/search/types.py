"""What a searcher is, and what all of them share."""

from collections.abc import Callable
from numbers import Integral
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from prunax.errors import InputError


class Best(NamedTuple):
  """The best candidate seen so far: x [dim] and its fitness."""

  x: jax.Array
  fitness: jax.Array


class Searcher(NamedTuple):
  """A derivative-free search as three pure functions; lower is better.

  Attributes:
    init: (key, x0, lower, upper, *, popsize, sigma, ...) -> state. One
      searcher starts at x0; the bounds are finite numbers or one a coordinate,
      `generations` is how long the search will be, `sigma` the width of the
      first samples, above 0, a number or one a coordinate.
    ask: state -> (state, candidates [popsize, dim]), all within the bounds.
    tell: (state, candidates, fitness [popsize]) -> state. A NaN counts as
      worst.

  Every state has `best_x` and `best_fitness`. A coordinate whose bounds are
  equal stays there.
  """

  init: Callable[..., Any]
  ask: Callable[[Any], tuple[Any, jax.Array]]
  tell: Callable[[Any, jax.Array, jax.Array], Any]


def told(candidates: jax.Array, fitness: Any) -> jax.Array:
  """Fitness to rank by, float32 [popsize]: a NaN is as bad as can be."""
  values = jnp.asarray(fitness)
  if values.shape != (len(candidates),):
    raise InputError(
      f'fitness must be one number a candidate, {len(candidates)} in all, got'
      f' the shape {values.shape}: give a vector in their order'
    )
  return jnp.where(jnp.isnan(values), jnp.inf, values).astype(jnp.float32)


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
  _refuse_unless('x0', x0, np.isfinite, 'finite')
  lower, upper = (
    _bound(name, x, x0.shape)
    for name, x in (('lower', lower), ('upper', upper))
  )
  known = _known(lower) and _known(upper)
  if known and bool(np.any(np.asarray(lower) > np.asarray(upper))):
    raise InputError(
      'the bounds of a search must have lower <= upper, got'
      f' {lower.tolist()} and {upper.tolist()}: swap them'
    )
  return x0, lower, upper


def _bound(name: str, x: Any, shape: tuple[int, ...]) -> jax.Array:
  found = jnp.asarray(x, jnp.float32)
  if found.shape not in ((), shape):
    raise InputError(
      f'{name} must be a number, or one for each of the {shape[0]} coordinates'
      f' of x0, got the shape {found.shape}: mend it'
    )
  _refuse_unless(name, found, np.isfinite, 'finite')
  return jnp.broadcast_to(found, shape)


def check_sigma(sigma: Any, lower: jax.Array, upper: jax.Array) -> None:
  """Refuses a width of the first samples that is none.

  Args:
    sigma: a number, one a coordinate, or None.
    lower: [dim] bounds.
    upper: [dim] likewise; where both are equal nothing moves, at any width.
  """
  if sigma is None or not (_known(lower) and _known(upper)):
    return
  still = np.asarray(lower) == np.asarray(upper)
  _refuse_unless(
    'sigma',
    jnp.asarray(sigma, jnp.float32),
    lambda x: np.isfinite(x) & ((x > 0) | (x == 0) & still),
    'finite and above 0',
  )


def _known(x: Any) -> bool:
  """Whether the numbers are there: not so while a function is traced."""
  # Looked at by NumPy: within a trace, what JAX makes of them is not there.
  return not isinstance(x, jax.core.Tracer)


def _refuse_unless(
  name: str, x: jax.Array, holds: Callable[[Any], Any], must: str
) -> None:
  if _known(x) and not np.all(holds(np.asarray(x))):
    raise InputError(f'{name} must be {must}, got {x.tolist()}: mend {name}')


def check_popsize(popsize: Any, least: int) -> int:
  """The size of a generation, if it is not too small for a searcher."""
  known = isinstance(popsize, Integral) and not isinstance(popsize, bool)
  if not known or popsize < least:
    raise InputError(
      f'popsize must be a whole number of at least {least}, got {popsize!r}:'
      ' give the number of candidates in a generation'
    )
  return int(popsize)
