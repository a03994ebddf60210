"""What changes with the step: rates, the update probability, density ramps.

Every function checks plain numbers and returns a schedule in optax's sense: a
function of the step, an int or a traced int32, to a float32 scalar.
"""

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import jax
import jax.numpy as jnp

from prunax.errors import InputError

Schedule = Callable[[jax.typing.ArrayLike], jax.Array]


def _number(name: str, value: Any, least: float = -math.inf) -> float:
  plain = isinstance(value, Real) and not isinstance(value, bool)
  if plain and math.isfinite(value) and value >= least:
    return float(value)
  bound = '' if math.isinf(least) else f' of at least {least:g}'
  raise InputError(
    f'{name} must be a finite number{bound}, got {value!r}: mend {name}'
  )


def _whole(name: str, value: Any, least: int = 0) -> int:
  plain = isinstance(value, Integral) and not isinstance(value, bool)
  if plain and value >= least:
    return int(value)
  raise InputError(
    f'{name} must be a whole number of at least {least}, got {value!r}: mend'
    f' {name}'
  )


def _time(count: jax.typing.ArrayLike) -> jax.Array:
  return jnp.asarray(count, jnp.float32)


def _to_the(gamma: float, exponent: jax.Array) -> jax.Array:
  if gamma == 0:
    return (exponent == 0).astype(jnp.float32)
  # The logarithm in double precision: gamma itself, rounded to float32 and
  # raised to a power of 100,000, would be off in the third digit.
  return jnp.exp(exponent * math.log(gamma))


def fixed(base: float) -> Schedule:
  """The same rate at every step: Caffe's policy `fixed`."""
  base = _number('base', base, 0)
  return lambda count: jnp.full(jnp.shape(count), base, jnp.float32)


def step(base: float, gamma: float, stepsize: int) -> Schedule:
  """base * gamma^floor(t / stepsize): Caffe's policy `step`.

  >>> rate = step(0.1, gamma=0.1, stepsize=100)
  >>> [round(float(rate(t)), 6) for t in (99, 100, 250)]
  [0.1, 0.01, 0.001]
  """
  base, gamma = _number('base', base, 0), _number('gamma', gamma, 0)
  stepsize = _whole('stepsize', stepsize, 1)
  return lambda count: (
    base * _to_the(gamma, _time(jnp.asarray(count) // stepsize))
  )


def exp(base: float, gamma: float) -> Schedule:
  """base * gamma^t: Caffe's policy `exp`."""
  base, gamma = _number('base', base, 0), _number('gamma', gamma, 0)
  return lambda count: base * _to_the(gamma, _time(count))


def inv(base: float, gamma: float, power: float) -> Schedule:
  """base * (1 + gamma t)^-power: Caffe's policy `inv`.

  >>> rate = inv(0.01, gamma=1e-4, power=0.75)
  >>> round(float(rate(10000)), 6)
  0.005946
  """
  base, gamma = _number('base', base, 0), _number('gamma', gamma, 0)
  power = _number('power', power)
  return lambda count: base * (1.0 + gamma * _time(count)) ** -power


def multistep(base: float, gamma: float, stepvalues: Sequence[int]) -> Schedule:
  """base * gamma^(number of stepvalues <= t): Caffe's policy `multistep`.

  Args:
    base: the rate before the first of the stepvalues.
    gamma: the factor of each drop.
    stepvalues: the steps at which the rate drops, in rising order.
  """
  base, gamma = _number('base', base, 0), _number('gamma', gamma, 0)
  if not isinstance(stepvalues, Sequence):
    raise InputError(
      f'stepvalues must be a list of steps, got {stepvalues!r}: put them in a'
      ' list'
    )
  values = [_whole('each of the stepvalues', v) for v in stepvalues]
  if sorted(set(values)) != values:
    raise InputError(
      f'stepvalues must rise, got {values}: sort them and name each once'
    )

  def schedule(count: jax.typing.ArrayLike) -> jax.Array:
    count = jnp.asarray(count)
    drops = jnp.zeros(count.shape, jnp.float32)
    for value in values:
      drops += count >= value
    return base * _to_the(gamma, drops)

  return schedule


def poly(base: float, power: float, max_iter: int) -> Schedule:
  """base * (1 - t/max_iter)^power, its last value kept: Caffe's `poly`."""
  base, power = _number('base', base, 0), _number('power', power, 0)
  max_iter = _whole('max_iter', max_iter, 1)
  return lambda count: (
    base * (1.0 - jnp.minimum(_time(count) / max_iter, 1.0)) ** power
  )


def sigmoid(base: float, gamma: float, stepsize: int) -> Schedule:
  """base / (1 + exp(-gamma (t - stepsize))): Caffe's policy `sigmoid`.

  The rate falls where `gamma` is negative, and is half of base at `stepsize`.
  """
  base, gamma = _number('base', base, 0), _number('gamma', gamma)
  stepsize = _whole('stepsize', stepsize, 1)
  return lambda count: (
    base / (1.0 + jnp.exp(-gamma * (_time(count) - stepsize)))
  )


def _fraction(begin: int, end: int) -> Schedule:
  """How much of the time from begin to end is over: 0 before, 1 from end on."""
  begin, end = _whole('begin', begin), _whole('end', end)
  if begin > end:
    raise InputError(
      f'begin must not come after end, got begin {begin} and end {end}: swap'
      ' them'
    )
  # A ramp of no length is a jump: at `end` it is over.
  length = max(end - begin, 1)
  return lambda count: jnp.clip(
    1.0 - _time(end - jnp.asarray(count)) / length, 0.0, 1.0
  )


def cosine(base: float, begin: int, end: int) -> Schedule:
  """base until `begin`, then half a cosine down to 0 at `end`.

  >>> rate = cosine(0.1, begin=100, end=200)
  >>> [round(float(rate(t)), 4) for t in (50, 150, 200, 300)]
  [0.1, 0.05, 0.0, 0.0]
  """
  base, fraction = _number('base', base, 0), _fraction(begin, end)
  return lambda count: (0.5 * base) * (1.0 + jnp.cos(jnp.pi * fraction(count)))


def warm_up(policy: Schedule, interval: int, rate: float) -> Schedule:
  """A line from `rate` at step 0 to the policy's own value at `interval`.

  Before `interval`, with alpha = t/interval and p the policy's value at t (not
  the base rate): min(p, rate + (p - rate) alpha), so a policy that starts below
  `rate` is left as it is. The policy's clock runs on meanwhile.

  >>> warm = warm_up(fixed(0.1), interval=10, rate=0.02)
  >>> [round(float(warm(t)), 4) for t in (0, 5, 10)]
  [0.02, 0.06, 0.1]

  Args:
    policy: the schedule to warm up.
    interval: the number of steps, `rampup_interval`; 0 for no warm-up.
    rate: the first rate, `rampup_lr`.
  """
  interval = _whole('rampup_interval', interval)
  rate = _number('rampup_lr', rate, 0)

  def schedule(count: jax.typing.ArrayLike) -> jax.Array:
    target, time = policy(count), _time(count)
    line = rate + (target - rate) * (time / max(interval, 1))
    return jnp.where(time < interval, jnp.minimum(target, line), target)

  return schedule


def at_least(policy: Schedule, rate: float) -> Schedule:
  """The policy, but never below `rate`: the solver's `min_lr`."""
  rate = _number('min_lr', rate, 0)
  return lambda count: jnp.maximum(policy(count), rate)


def update_probability(gamma: float, power: float) -> Schedule:
  """(1 + gamma t)^-power: how likely a step is to update the masks.

  It starts at 1 and never rises (Guo, Yao and Chen 2016, Dynamic Network
  Surgery for Efficient DNNs, section 3).
  """
  return inv(1.0, gamma, _number('power', power, 0))


def _densities(initial: float, final: float) -> tuple[float, float]:
  initial, final = _number('initial', initial), _number('final', final)
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
  fraction, power = _fraction(begin, end), _number('power', power, 0)

  def schedule(count: jax.typing.ArrayLike) -> jax.Array:
    s = fraction(count)
    value = final + (initial - final) * _left(s, power)
    return _between(initial, final, s, value)

  return schedule


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
  fraction, power = _fraction(begin, end), _number('power', power, 0)
  whole_fall = math.log(final / initial)

  def schedule(count: jax.typing.ArrayLike) -> jax.Array:
    s = fraction(count)
    value = initial * jnp.exp(whole_fall * (1.0 - _left(s, power)))
    return _between(initial, final, s, value)

  return schedule


_POLICIES: dict[str, Callable[..., Schedule]] = {
  'fixed': fixed,
  'step': step,
  'exp': exp,
  'inv': inv,
  'multistep': multistep,
  'poly': poly,
  'sigmoid': sigmoid,
  'cosine': cosine,
}


def from_settings(settings: Mapping[str, Any]) -> Schedule:
  """The schedule that the plain values of a config describe.

  `policy` names one of the functions above and the other keys are its
  arguments, beside `rampup_interval` and `rampup_lr` for `warm_up` and `min_lr`
  for `at_least`, which are 0 where they are left out.

  >>> rate = from_settings({'policy': 'fixed', 'base': 0.1, 'min_lr': 0.0})
  >>> round(float(rate(7)), 4)
  0.1
  """
  if not isinstance(settings, Mapping) or 'policy' not in settings:
    raise InputError(
      f"a schedule must be a mapping with a 'policy', got {settings!r}: name"
      f' one of {", ".join(_POLICIES)}'
    )
  given = {key: value for key, value in settings.items() if key != 'policy'}
  name = str(settings['policy'])
  if name not in _POLICIES:
    raise InputError(
      f'the policy of a schedule must be known, got {name!r}: name one of'
      f' {", ".join(_POLICIES)}'
    )
  needed = list(inspect.signature(_POLICIES[name]).parameters)
  extra: dict[str, Any] = {
    'rampup_interval': 0,
    'rampup_lr': 0.0,
    'min_lr': 0.0,
  }
  if set(needed) - set(given) or set(given) - set(needed) - set(extra):
    raise InputError(
      f'the policy {name!r} must have the keys {", ".join(needed)} and may have'
      f' {", ".join(extra)}, got {", ".join(given) or "none"}: add what is'
      ' missing and remove the rest'
    )
  extra |= {key: given.pop(key) for key in extra if key in given}
  policy = warm_up(
    _POLICIES[name](**given), extra['rampup_interval'], extra['rampup_lr']
  )
  return at_least(policy, extra['min_lr'])
