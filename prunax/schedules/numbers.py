"""Checked plain numbers, and the pieces that schedules are made of."""

import math
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from prunax.errors import InputError

# Of a number that counts bytes or entries, more than any of them needs.
_MOST_DIGITS = 18

Schedule = Callable[[jax.typing.ArrayLike], jax.Array]


def number(name: str, value: Any, least: float = -math.inf) -> float:
  plain = isinstance(value, Real) and not isinstance(value, bool)
  if plain and math.isfinite(value) and value >= least:
    return float(value)
  bound = '' if math.isinf(least) else f' of at least {least:g}'
  raise InputError(
    f'{name} must be a finite number{bound}, got {value!r}: mend {name}'
  )


def whole(name: str, value: Any, least: int = 0) -> int:
  plain = isinstance(value, Integral) and not isinstance(value, bool)
  if plain and value >= least:
    return int(value)
  raise InputError(
    f'{name} must be a whole number of at least {least}, got {value!r}: mend'
    f' {name}'
  )


def truth(name: str, value: Any) -> bool:
  if isinstance(value, (bool, np.bool_)):
    return bool(value)
  raise InputError(
    f'{name} must be True or False, got {value!r}: give one of them'
  )


def from_digits(text: str) -> int | None:
  """The number that ASCII digits say, or None for any other text.

  >>> from_digits('1024'), from_digits('-1'), from_digits('٣')
  (1024, None, None)
  """
  plain = text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS
  return int(text) if plain else None


def as_time(count: jax.typing.ArrayLike) -> jax.Array:
  return jnp.asarray(count, jnp.float32)


def to_the(gamma: float, exponent: jax.Array) -> jax.Array:
  if gamma == 0:
    return (exponent == 0).astype(jnp.float32)
  # The logarithm in double precision: gamma itself, rounded to float32 and
  # raised to a power of 100,000, would be off in the third digit.
  return jnp.exp(exponent * math.log(gamma))


def fraction_between(begin: int, end: int) -> Schedule:
  """How much of the time from begin to end is over: 0 before, 1 from end on."""
  begin, end = whole('begin', begin), whole('end', end)
  if begin > end:
    raise InputError(
      f'begin must not come after end, got begin {begin} and end {end}: swap'
      ' them'
    )
  # A ramp of no length is a jump: at `end` it is over.
  length = max(end - begin, 1)
  return lambda count: jnp.clip(
    1.0 - as_time(end - jnp.asarray(count)) / length, 0.0, 1.0
  )
