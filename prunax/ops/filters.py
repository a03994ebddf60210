"""What the filters of one kernel are worth, side by side."""

import jax
import jax.numpy as jnp


def _rows(kernel: jax.Array) -> jax.Array:
  """[filters, rest]: the last axis is that of the filters."""
  return jnp.moveaxis(kernel, -1, 0).reshape(kernel.shape[-1], -1)


def norms(kernel: jax.Array) -> jax.Array:
  """The Euclidean norm of each filter (He et al. 2018, soft filter pruning).

  >>> norms(jnp.array([[3.0, 0.0], [4.0, 1.0]])).tolist()
  [5.0, 1.0]

  Args:
    kernel: [..., filters].
  """
  return jnp.sqrt(jnp.sum(jnp.square(_rows(kernel)), 1))


def distances(kernel: jax.Array) -> jax.Array:
  """How far each filter is from all others, summed.

  He et al. (2019), filter pruning via geometric median: the filter that is
  nearest to all others is the one that they can stand in for.

  >>> distances(jnp.array([[0.0, 3.0, 4.0]])).tolist()
  [7.0, 4.0, 5.0]

  Args:
    kernel: [..., filters].
  """
  rows = _rows(kernel)
  apart = rows[:, None] - rows[None]
  return jnp.sum(jnp.sqrt(jnp.sum(jnp.square(apart), -1)), 1)


def best(worth: jax.Array, count: int) -> jax.Array:
  """The mask of the `count` that are worth most; ties go to the first.

  >>> best(jnp.array([1.0, 3.0, 2.0]), 2).tolist()
  [False, True, True]
  """
  order = jnp.argsort(-worth, stable=True)
  return jnp.zeros(worth.shape, bool).at[order[:count]].set(True)
