"""The few values that quantized weights take: powers of two, even steps.

Exponents are read from the bits of a float: a logarithm would be rounded, and
wrong exactly where a weight lies on a cut.
"""

import jax
import jax.numpy as jnp
from jax import lax

from prunax.errors import InputError
from prunax.ops.wide import widened

ZERO_CUTS = ('paper', 'seed')


def _bits(x: jax.Array) -> tuple[jax.Array, int, int]:
  """The bits of |x|, how many of them are fraction, and the exponent of 1."""
  x = widened(x)
  info = jnp.finfo(x.dtype)
  integer = jnp.uint64 if info.bits == 64 else jnp.uint32
  bits = lax.bitcast_convert_type(jnp.abs(x), integer)
  return bits, info.nmant, 1 - info.minexp


def _exponent_field(bits: jax.Array, fraction: int, one: int) -> jax.Array:
  return (bits >> fraction).astype(jnp.int32) - one


def exponent(x: jax.Array) -> jax.Array:
  """floor(log2(4 |x| / 3)): 2^e is the power of two for x, int32.

  The e with 0.75 * 2^e <= |x| < 1.5 * 2^e (Zhou et al. 2017, eq. 4: between
  two powers the cut is in their middle). A zero has an e below those of all
  normal numbers.

  >>> exponent(jnp.array([0.74, -0.75, 1.49, 1.5])).tolist()
  [-1, 0, 0, 1]
  """
  bits, fraction, one = _bits(x)
  # Half of the largest fraction carries into the exponent from 1.5 * 2^e on.
  half = bits.dtype.type(1 << (fraction - 1))
  return _exponent_field(bits + half, fraction, one)


def lowest(highest: jax.Array | int, count: int) -> jax.Array | int:
  """n2 = n1 - K + 1, the lowest of K exponents.

  >>> lowest(-1, 7)
  -7
  """
  return highest - count + 1


def _power(e: jax.Array, dtype: jnp.dtype) -> jax.Array:
  """2^e for exponents of normal numbers, from its bits."""
  info = jnp.finfo(dtype)
  integer = jnp.uint64 if info.bits == 64 else jnp.uint32
  shifted = (e + (1 - info.minexp)).astype(integer) << info.nmant
  return lax.bitcast_convert_type(shifted, dtype)


def powers_of_two(
  x: jax.Array, highest: jax.Array | int, count: int, zero_cut: str = 'paper'
) -> jax.Array:
  """Each entry as 0 or sign(x) 2^e with one of `count` exponents.

  Incremental network quantization (Zhou et al. 2017, eq. 4). What would be
  above the highest power becomes the highest power.

  >>> x = jnp.array([0.0, 0.1, -0.13, 0.2, -0.7, 9.0])
  >>> powers_of_two(x, highest=-1, count=2).tolist()
  [0.0, 0.0, -0.25, 0.25, -0.5, 0.5]

  Args:
    x: the weights.
    highest: n1, the exponent of the largest power.
    count: K, how many exponents there are; the lowest is n2 = n1 - K + 1.
    zero_cut: 'paper' has zeros below 0.5 * 2^n2, as eq. 4 says; 'seed' below
      0.75 * 2^n2, as one released implementation has.
  """
  if zero_cut not in ZERO_CUTS:
    raise InputError(
      f'zero_cut must be one of {", ".join(ZERO_CUTS)}, got {zero_cut!r}: name'
      ' one'
    )
  wide = widened(x)
  smallest = int(jnp.finfo(wide.dtype).minexp)
  low = jnp.maximum(lowest(highest, count), smallest)
  e = exponent(x)
  if zero_cut == 'paper':
    stays = _exponent_field(*_bits(x)) >= jnp.maximum(low - 1, smallest)
  else:
    stays = e >= low
  size = _power(jnp.clip(e, low, highest), wide.dtype)
  signed = jnp.where(wide < 0, -size, size)
  power = jnp.where(stays & (low <= highest), signed, 0)
  # A NaN stays, where it is seen.
  return jnp.where(jnp.isnan(wide), wide, power).astype(x.dtype)


def check_bits(bits: int, name: str = 'bits') -> None:
  """Refuses bits for which `uniform` would not be exact, or have no levels."""
  if not 2 <= bits <= 8:
    raise InputError(f'{name} must be 2 to 8, got {bits!r}: give 8, say')


def check_digits(digits: int, name: str = 'digits') -> None:
  """Refuses scales by which what is on its levels would not stay on them."""
  if digits not in (1, 12):
    raise InputError(
      f'{name} must be 1, for powers of two, or 12, got {digits!r}: give one of'
      ' them'
    )


def _coarse(x: jax.Array, digits: int) -> jax.Array:
  """`x` of at least 0, rounded up to so many binary digits."""
  bits, fraction, _ = _bits(x)
  step = (1 << (fraction + 1 - digits)) - 1
  # What is above by the last bits of a division is not to go a step up.
  up = (bits + bits.dtype.type(step - 4)) & ~bits.dtype.type(step)
  return lax.bitcast_convert_type(up, widened(x).dtype)


def channel_scale(x: jax.Array, bits: int, digits: int = 12) -> jax.Array:
  """The step between levels of each channel of a kernel, its last axis.

  max |x| / (2^(bits - 1) - 1), rounded up to so many binary digits, so that the
  products with whole numbers are exact, and so are differences of two levels.

  >>> channel_scale(jnp.array([[7.0, 1.75], [-3.0, 0.0]]), bits=4).tolist()
  [[1.0, 0.25]]

  Args:
    x: [..., channels] a kernel.
    bits: of each weight, 2 to 8.
    digits: of the step, 1 or 12.

  Returns:
    [1, ..., channels] in float32 at least.
  """
  top = 2 ** (bits - 1) - 1
  axes = tuple(range(x.ndim - 1))
  largest = jnp.max(jnp.abs(widened(x)), axis=axes, keepdims=True, initial=0)
  return _coarse(largest / top, digits)


def uniform(x: jax.Array, bits: int, digits: int = 12) -> jax.Array:
  """Each weight as a whole multiple of its channel's scale: symmetric intN.

  round(x / scale) * scale, from -(2^(bits - 1) - 1) to 2^(bits - 1) - 1 steps;
  a channel of zeros stays one.

  >>> uniform(jnp.array([[7.0, 1.75], [-3.4, 0.0]]), bits=4).tolist()
  [[7.0, 1.75], [-3.0, 0.0]]

  Args:
    x: [..., channels] a kernel.
    bits: of each weight, 2 to 8.
    digits: of the scale, binary ones, 1 or 12.
  """
  check_bits(bits)
  check_digits(digits)
  scale = channel_scale(x, bits, digits)
  steps = widened(x) / jnp.where(scale > 0, scale, 1)
  return (jnp.round(steps) * scale).astype(x.dtype)
