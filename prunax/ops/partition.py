"""Which weights are quantized next: the pruning-inspired partition of INQ."""

from fractions import Fraction

import jax
import jax.numpy as jnp

from prunax.ops import thresholds


def left_free(size: jax.Array | int, portion: float) -> jax.Array:
  """round(size * (1 - portion)), half away from zero: how many stay float.

  In whole numbers, since 0.7 is no binary fraction and 215 * 0.7 is a half.

  >>> int(left_free(215, 0.3)), int(left_free(20, 1.0))
  (151, 0)

  Args:
    size: how many weights there are; it may be traced.
    portion: the accumulated portion of the quantized ones, to four digits.
  """
  # A number of NumPy is no argument of a Fraction.
  left = 1 - Fraction(float(portion)).limit_denominator(10_000)
  part, whole = left.numerator, left.denominator
  size = jnp.asarray(size, jnp.int32)
  # In two steps, or the product would not fit.
  times, rest = size // whole, size % whole
  return times * part + (2 * rest * part + whole) // (2 * whole)


def largest_free(
  x: jax.Array, free: jax.Array, left: jax.Array | int
) -> jax.Array:
  """The mask of the largest |x| among the free, so that `left` stay free.

  Entries as large as the smallest of them are among them too (Zhou et al.
  2017, section 2.2). Zeros, which have no exponent, wait until none is left.

  >>> x = jnp.array([4.0, -3.0, 2.0, 1.0])
  >>> free = jnp.array([False, True, True, True])
  >>> largest_free(x, free, left=2).tolist()
  [False, True, False, False]
  """
  now = jnp.sum(free, dtype=jnp.int32) - left
  size = jnp.where(free, jnp.abs(x), 0)
  cut = thresholds.kth_magnitude(size, jnp.maximum(now, 1))
  return free & (size >= cut) & (now > 0) & ((size > 0) | (left == 0))
