"""When masks are drawn, and how much is alive then."""

import math

import jax
import jax.numpy as jnp

from prunax.errors import InputError
from prunax.schedules.numbers import Schedule, fraction_between, number
from prunax.schedules.policies import inv


def update_probability(gamma: float, power: float) -> Schedule:
  """(1 + gamma t)^-power: how likely a step is to update the masks.

  It starts at 1 and never rises (Guo, Yao and Chen 2016, Dynamic Network
  Surgery for Efficient DNNs, section 3).
  """
  return inv(1.0, gamma, number('power', power, 0))


def _densities(initial: float, final: float) -> tuple[float, float]:
  initial, final = number('initial', initial), number('final', final)
  if not 0 < final <= initial <= 1:
    raise InputError(
      'densities are alive/all and must obey 0 < final <= initial <= 1, got'
      f' initial {initial:g} and final {final:g}: give the part that stays'
    )
  return initial, final


def _left(fraction: jax.Array, power: float) -> jax.Array:
  # A whole power is a product, which falls steadily in float32; pow need not.
  whole = float(power).is_integer()
  return (1.0 - fraction) ** (int(power) if whole else power)


def _between(
  initial: float, final: float, fraction: jax.Array, value: jax.Array
) -> jax.Array:
  """`value` within the two densities, which hold exactly at both ends."""
  value = jnp.clip(value, final, initial)
  value = jnp.where(fraction > 0, value, initial)
  return jnp.where(fraction < 1, value, final)


def density_ramp(
  initial: float, final: float, begin: int, end: int, power: float = 3
) -> Schedule:
  """The density that gradual pruning asks for (Zhu and Gupta 2017, eq. 1).

  final + (initial - final) (1 - s)^power, with s the part of the time from
  `begin` to `end` that is over; constant before and after.

  >>> density = density_ramp(1.0, 0.2, begin=0, end=100)
  >>> [round(float(density(t)), 4) for t in (0, 50, 100)]
  [1.0, 0.3, 0.2]

  Args:
    initial: alive/all until `begin`.
    final: alive/all from `end` on.
    begin: the step at which the ramp begins.
    end: the step at which it ends.
    power: 3 in the paper; 1 is a straight line.
  """
  initial, final = _densities(initial, final)
  fraction, power = fraction_between(begin, end), number('power', power, 0)

  def schedule(count: jax.typing.ArrayLike) -> jax.Array:
    s = fraction(count)
    value = final + (initial - final) * _left(s, power)
    return _between(initial, final, s, value)

  return schedule


def approach(begin: int, end: int, power: float = 2) -> Schedule:
  """How much of a way is behind: 1 - (1 - s)^power, from 0 to exactly 1.

  >>> [round(float(approach(0, 100)(t)), 4) for t in (0, 50, 100)]
  [0.0, 0.75, 1.0]
  """
  fraction, power = fraction_between(begin, end), number('power', power, 0)
  return lambda count: 1.0 - _left(fraction(count), power)


def geometric_ramp(
  initial: float, final: float, begin: int, end: int, power: float = 2
) -> Schedule:
  """A ramp whose logarithm falls as 1 - (1 - s)^power.

  Each step takes a part of what is left, where `density_ramp` takes a part of
  the whole; s, `begin` and `end` as there.

  >>> density = geometric_ramp(1.0, 0.01, begin=0, end=100, power=1)
  >>> [round(float(density(t)), 4) for t in (0, 50, 100)]
  [1.0, 0.1, 0.01]
  """
  initial, final = _densities(initial, final)
  fraction, power = fraction_between(begin, end), number('power', power, 0)
  whole_fall = math.log(final / initial)

  def schedule(count: jax.typing.ArrayLike) -> jax.Array:
    s = fraction(count)
    value = initial * jnp.exp(whole_fall * (1.0 - _left(s, power)))
    return _between(initial, final, s, value)

  return schedule
