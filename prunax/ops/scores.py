"""How much each weight matters: one function is one criterion."""

import jax
import jax.numpy as jnp


def by_layer(
  x: jax.Array, mask: jax.Array, square: jax.Array | None = None
) -> jax.Array:
  """|w| over the root mean square of what is alive in its array.

  >>> x, mask = jnp.array([3.0, 4.0, 9.0]), jnp.array([True, True, False])
  >>> (by_layer(x, mask)[:2] * jnp.sqrt(12.5)).tolist()
  [3.0, 4.0]
  """
  del square
  alive = jnp.maximum(jnp.sum(mask), 1)
  mean = jnp.sum(jnp.where(mask, jnp.square(x), 0)) / alive
  return jnp.abs(x) * jax.lax.rsqrt(jnp.maximum(mean, 1e-30))


def magnitude(
  x: jax.Array, mask: jax.Array, square: jax.Array | None = None
) -> jax.Array:
  """|w| (Han et al. 2015)."""
  del mask, square
  return jnp.abs(x)


def gradient(x: jax.Array, mask: jax.Array, mean: jax.Array) -> jax.Array:
  """|w| E|g|: the first order of what the loss gains (Molchanov et al. 2017).

  The mean of magnitudes, since that of the gradient vanishes where a
  training has settled.
  """
  del mask
  return jnp.abs(x) * mean


def fisher(x: jax.Array, mask: jax.Array, square: jax.Array) -> jax.Array:
  """|w| E[g^2]^(1/2): the root of the second order with the Fisher diagonal.

  Optimal Brain Damage (LeCun et al. 1990) ranks by w^2 H_ii / 2; the mean
  squared gradient stands for H_ii (Theis et al. 2018).

  >>> x, g2 = jnp.array([2.0, -1.0]), jnp.array([1.0, 9.0])
  >>> fisher(x, x != 0, g2).tolist()
  [2.0, 3.0]
  """
  del mask
  return jnp.abs(x) * jnp.sqrt(square)
