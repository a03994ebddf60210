"""Computations that mix the axes of a sharded array."""

from collections.abc import Callable

import jax


def placed_by_compiler(
  function: Callable[..., jax.Array], *arrays: jax.Array
) -> jax.Array:
  """`function` of arrays, of which the result is placed like the first.

  Ranks and sums over all of an array mix its axes, for which explicit sharding
  knows no rule.
  """
  place = jax.typeof(arrays[0]).sharding
  if not place.mesh.explicit_axes:
    return function(*arrays)
  return jax.sharding.auto_axes(function, out_sharding=place)(*arrays)
