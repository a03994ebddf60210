"""Learning rates: Caffe's policies, warm-up, what bounds and repeats them."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from prunax.errors import InputError
from prunax.schedules.numbers import (
  Schedule,
  as_time,
  fraction_between,
  number,
  to_the,
  whole,
)


def fixed(base: float) -> Schedule:
  """The same rate at every step: Caffe's policy `fixed`."""
  base = number('base', base, 0)
  return lambda count: jnp.full(jnp.shape(count), base, jnp.float32)


def step(base: float, gamma: float, stepsize: int) -> Schedule:
  """base * gamma^floor(t / stepsize): Caffe's policy `step`.

  >>> rate = step(0.1, gamma=0.1, stepsize=100)
  >>> [round(float(rate(t)), 6) for t in (99, 100, 250)]
  [0.1, 0.01, 0.001]
  """
  base, gamma = number('base', base, 0), number('gamma', gamma, 0)
  stepsize = whole('stepsize', stepsize, 1)
  return lambda count: (
    base * to_the(gamma, as_time(jnp.asarray(count) // stepsize))
  )


def exp(base: float, gamma: float) -> Schedule:
  """base * gamma^t: Caffe's policy `exp`."""
  base, gamma = number('base', base, 0), number('gamma', gamma, 0)
  return lambda count: base * to_the(gamma, as_time(count))


def inv(base: float, gamma: float, power: float) -> Schedule:
  """base * (1 + gamma t)^-power: Caffe's policy `inv`.

  >>> rate = inv(0.01, gamma=1e-4, power=0.75)
  >>> round(float(rate(10000)), 6)
  0.005946
  """
  base, gamma = number('base', base, 0), number('gamma', gamma, 0)
  power = number('power', power)
  return lambda count: base * (1.0 + gamma * as_time(count)) ** -power


def multistep(base: float, gamma: float, stepvalues: Sequence[int]) -> Schedule:
  """base * gamma^(number of stepvalues <= t): Caffe's policy `multistep`.

  Args:
    base: the rate before the first of the stepvalues.
    gamma: the factor of each drop.
    stepvalues: the steps at which the rate drops, in rising order.
  """
  base, gamma = number('base', base, 0), number('gamma', gamma, 0)
  if not isinstance(stepvalues, Sequence):
    raise InputError(
      f'stepvalues must be a list of steps, got {stepvalues!r}: put them in a'
      ' list'
    )
  values = [whole('each of the stepvalues', v) for v in stepvalues]
  if sorted(set(values)) != values:
    raise InputError(
      f'stepvalues must rise, got {values}: sort them and name each once'
    )

  def schedule(count: jax.typing.ArrayLike) -> jax.Array:
    count = jnp.asarray(count)
    drops = jnp.zeros(count.shape, jnp.float32)
    for value in values:
      drops += count >= value
    return base * to_the(gamma, drops)

  return schedule


def poly(base: float, power: float, max_iter: int) -> Schedule:
  """base * (1 - t/max_iter)^power, its last value kept: Caffe's `poly`."""
  base, power = number('base', base, 0), number('power', power, 0)
  max_iter = whole('max_iter', max_iter, 1)
  return lambda count: (
    base * (1.0 - jnp.minimum(as_time(count) / max_iter, 1.0)) ** power
  )


def sigmoid(base: float, gamma: float, stepsize: int) -> Schedule:
  """base / (1 + exp(-gamma (t - stepsize))): Caffe's policy `sigmoid`.

  The rate falls where `gamma` is negative, and is half of base at `stepsize`.
  """
  base, gamma = number('base', base, 0), number('gamma', gamma)
  stepsize = whole('stepsize', stepsize, 1)
  return lambda count: (
    base / (1.0 + jnp.exp(-gamma * (as_time(count) - stepsize)))
  )


def cosine(base: float, begin: int, end: int) -> Schedule:
  """base until `begin`, then half a cosine down to 0 at `end`.

  >>> rate = cosine(0.1, begin=100, end=200)
  >>> [round(float(rate(t)), 4) for t in (50, 150, 200, 300)]
  [0.1, 0.05, 0.0, 0.0]
  """
  base, fraction = number('base', base, 0), fraction_between(begin, end)
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
  interval = whole('rampup_interval', interval)
  rate = number('rampup_lr', rate, 0)

  def schedule(count: jax.typing.ArrayLike) -> jax.Array:
    target, time = policy(count), as_time(count)
    line = rate + (target - rate) * (time / max(interval, 1))
    return jnp.where(time < interval, jnp.minimum(target, line), target)

  return schedule


def at_least(policy: Schedule, rate: float) -> Schedule:
  """The policy, but never below `rate`: the solver's `min_lr`."""
  rate = number('min_lr', rate, 0)
  return lambda count: jnp.maximum(policy(count), rate)


def restarting(policy: Schedule, every: int) -> Schedule:
  """The policy from its beginning again, every `every` steps.

  >>> rate = restarting(cosine(0.1, begin=0, end=4), every=4)
  >>> [round(float(rate(t)), 4) for t in (0, 2, 4, 6)]
  [0.1, 0.05, 0.1, 0.05]
  """
  every = whole('restart', every, 1)
  return lambda count: policy(jnp.asarray(count) % every)
