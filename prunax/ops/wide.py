"""Types to compute in: that of an array, or float32 where it is narrower."""

import jax
import jax.numpy as jnp


def wide_dtype(x: jax.typing.ArrayLike) -> jnp.dtype:
  """The type of `x`, or float32 where that is narrower.

  >>> wide_dtype(jnp.zeros(2, jnp.bfloat16)).name
  'float32'
  """
  return jnp.promote_types(jnp.result_type(x), jnp.float32)


def widened(x: jax.Array) -> jax.Array:
  """The same values in float32 at least."""
  return x.astype(wide_dtype(x))
