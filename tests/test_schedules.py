"""Schedules by hand, under jit, and their laws."""

import math

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prunax import schedules
from prunax.errors import InputError

BY_HAND = [
  (schedules.fixed(0.3), {0: 0.3, 10**6: 0.3}),
  (schedules.step(0.1, 0.5, 10), {0: 0.1, 9: 0.1, 10: 0.05, 29: 0.025}),
  (schedules.step(0.1, 0.0, 10), {9: 0.1, 10: 0.0}),
  (schedules.exp(2.0, 0.5), {0: 2.0, 1: 1.0, 3: 0.25}),
  (schedules.inv(0.5, 0.25, 2), {0: 0.5, 4: 0.125, 12: 0.03125}),
  (
    schedules.multistep(1.0, 0.1, [3, 5]),
    {0: 1.0, 2: 1.0, 3: 0.1, 4: 0.1, 5: 0.01, 9: 0.01},
  ),
  (schedules.multistep(0.7, 0.1, []), {0: 0.7, 9: 0.7}),
  (schedules.poly(0.8, 2, 4), {0: 0.8, 1: 0.45, 2: 0.2, 4: 0.0, 9: 0.0}),
  (
    schedules.sigmoid(0.6, -math.log(2), 10),
    {8: 0.48, 10: 0.3, 11: 0.2, 13: 0.6 / 9},
  ),
  (
    schedules.cosine(0.4, 6, 12),
    {0: 0.4, 6: 0.4, 8: 0.3, 9: 0.2, 10: 0.1, 12: 0.0, 99: 0.0},
  ),
  (schedules.cosine(0.4, 6, 6), {5: 0.4, 6: 0.0}),
  (schedules.update_probability(1e-4, 1), {0: 1.0, 10000: 0.5, 30000: 0.25}),
  (
    schedules.density_ramp(1.0, 0.2, 2, 6),
    {0: 1.0, 2: 1.0, 3: 0.5375, 4: 0.3, 5: 0.2125, 6: 0.2, 8: 0.2},
  ),
  (schedules.density_ramp(0.9, 0.1, 4, 4), {3: 0.9, 4: 0.1}),
  (
    schedules.geometric_ramp(1.0, 1e-4, 10, 12),
    {9: 1.0, 10: 1.0, 11: 1e-3, 12: 1e-4, 50: 1e-4},
  ),
  (
    schedules.warm_up(schedules.step(1.0, 0.5, 2), 4, 0.2),
    # The policy's clock runs on: 1, 1, 0.5, 0.5, 0.25, ...
    {0: 0.2, 1: 0.4, 2: 0.35, 3: 0.425, 4: 0.25},
  ),
  # A policy below the first rate is left as it is.
  (schedules.warm_up(schedules.fixed(0.1), 4, 0.2), {0: 0.1, 2: 0.1, 4: 0.1}),
  (schedules.warm_up(schedules.fixed(0.1), 0, 0.0), {0: 0.1, 1: 0.1}),
  (
    schedules.restarting(schedules.exp(1.0, 0.5), 3),
    {0: 1.0, 2: 0.25, 3: 1.0, 4: 0.5, 300: 1.0},
  ),
  (schedules.at_least(schedules.exp(1.0, 0.5), 0.2), {1: 0.5, 2: 0.25, 3: 0.2}),
]


@pytest.mark.parametrize(('schedule', 'expected'), BY_HAND)
def test_values_by_hand(schedule, expected):
  for count, value in expected.items():
    got = schedule(count)
    chex.assert_shape(got, ())
    assert got.dtype == jnp.float32
    np.testing.assert_allclose(got, value, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(('schedule', 'expected'), BY_HAND)
def test_a_traced_count_gives_the_same_values(schedule, expected):
  jitted = jax.jit(schedule)
  for count in expected:
    got = jitted(jnp.int32(count))
    chex.assert_shape(got, ())
    assert got.dtype == jnp.float32
    np.testing.assert_allclose(got, schedule(count), rtol=1e-6, atol=1e-7)


def test_many_small_steps_keep_their_digits():
  """gamma rounded to float32 would be 0.2 % off here."""
  gamma = 0.99993092483300938
  got = schedules.exp(1e-3, gamma)(100_000)
  np.testing.assert_allclose(got, 1e-3 * gamma**100_000, rtol=2e-6)


def test_ramps_are_exact_at_their_ends():
  for ramp in (schedules.density_ramp, schedules.geometric_ramp):
    for initial, final in [(1.0, 1 / 3), (0.7, 0.1), (0.97, 1 / 350)]:
      density = ramp(initial, final, 3, 10)
      assert density(3) == np.float32(initial)
      assert density(10) == np.float32(final)


_densities = st.floats(1e-4, 1.0)
_rates = st.just(0.0) | st.floats(1e-6, 10.0)


@settings(deadline=None, max_examples=40)
@given(
  ramp=st.sampled_from([schedules.density_ramp, schedules.geometric_ramp]),
  ends=st.tuples(_densities, _densities),
  begin=st.integers(0, 50),
  length=st.integers(0, 100),
  power=st.integers(1, 4),
)
def test_a_ramp_falls_and_keeps_between_its_ends(
  ramp, ends, begin, length, power
):
  final, initial = sorted(ends)
  density = ramp(initial, final, begin, begin + length, power)
  values = np.asarray(density(jnp.arange(160)))
  assert np.all(np.diff(values) <= 0)
  assert values.min() >= np.float32(final)
  assert values.max() <= np.float32(initial)
  assert values[-1] == np.float32(final)
  assert np.all(values[:begin] == np.float32(initial))


@settings(deadline=None, max_examples=40)
@given(
  base=_rates,
  floor=_rates,
  interval=st.integers(0, 50),
  rate=_rates,
)
def test_a_warm_up_only_lowers_and_a_floor_holds(base, floor, interval, rate):
  counts = jnp.arange(60)
  policy = schedules.inv(base, 0.1, 0.5)
  plain = np.asarray(policy(counts))
  warm = schedules.warm_up(policy, interval, rate)
  warmed = np.asarray(warm(counts))
  assert np.all(warmed <= plain)
  assert np.array_equal(warmed[interval:], plain[interval:])
  floored = np.asarray(schedules.at_least(warm, floor)(counts))
  assert np.all(floored >= np.float32(floor))
  above = warmed >= np.float32(floor)
  assert np.array_equal(floored[above], warmed[above])


def test_settings_name_a_policy_and_its_limits():
  schedule = schedules.from_settings(
    {
      'policy': 'inv',
      'base': 0.5,
      'gamma': 0.25,
      'power': 2,
      'rampup_interval': 8,
      'rampup_lr': 0.025,
      'min_lr': 0.03,
    }
  )
  # inv alone: 0.5, 0.125 at 4 and 0.03125 at 12.
  for count, value in {0: 0.03, 4: 0.075, 12: 0.03125, 100: 0.03}.items():
    np.testing.assert_allclose(schedule(count), value, rtol=1e-6)


def test_settings_restart_the_warm_up_too():
  schedule = schedules.from_settings(
    {
      'policy': 'step',
      'base': 0.5,
      'gamma': 0.5,
      'stepsize': 2,
      'rampup_interval': 2,
      'restart': 4,
    }
  )
  for count, value in enumerate([0.0, 0.25, 0.25, 0.25, 0.0, 0.25, 0.25]):
    np.testing.assert_allclose(schedule(count), value, rtol=1e-6)


def test_settings_without_limits_are_the_policy():
  plain = schedules.multistep(0.1, 0.1, [2, 4])
  got = schedules.from_settings(
    {'policy': 'multistep', 'base': 0.1, 'gamma': 0.1, 'stepvalues': [2, 4]}
  )
  for count in range(6):
    assert got(count) == plain(count)


@pytest.mark.parametrize(
  ('given_settings', 'message'),
  [
    ({'base': 0.1}, 'fixed, step, exp, inv, multistep, poly, sigmoid, cosine'),
    (0.1, "mapping with a 'policy'"),
    ({'policy': 'linear', 'base': 0.1}, "got 'linear': name one of fixed"),
    ({'policy': ['inv']}, 'must be known'),
    ({'policy': 'inv', 'base': 1.0, 'gamma': 0.1}, 'base, gamma, power'),
    ({'policy': 'fixed', 'base': 1.0, 'decay': 0.1}, 'got base, decay'),
    ({'policy': 'fixed'}, 'got none'),
    ({'policy': 'fixed', 'base': '1e-4'}, "base must be a finite .* '1e-4'"),
    ({'policy': 'fixed', 'base': 0.1, 'min_lr': -1}, 'min_lr'),
    ({'policy': 'fixed', 'base': 0.1, 'restart': 0}, 'restart must be a whole'),
    ({'policy': 'fixed', 'base': 0.1, 'rampup_lr': math.nan}, 'rampup_lr'),
  ],
)
def test_settings_that_are_refused(given_settings, message):
  with pytest.raises(InputError, match=message):
    schedules.from_settings(given_settings)


FIXED = schedules.fixed(1.0)


@pytest.mark.parametrize(
  ('make', 'arguments', 'message'),
  [
    (schedules.fixed, (math.inf,), 'base must be a finite'),
    (schedules.fixed, (True,), 'base must be a finite'),
    (schedules.step, (0.1, 0.1, 0), 'stepsize must be a whole'),
    (schedules.step, (0.1, 0.1, 2.5), 'stepsize must be a whole'),
    (schedules.exp, (0.1, -0.5), 'gamma must be a finite'),
    (schedules.multistep, (0.1, 0.1, [5, 3]), 'stepvalues must rise'),
    (schedules.multistep, (0.1, 0.1, 5), 'put them in a list'),
    (schedules.multistep, (0.1, 0.1, [1.5]), 'each of the stepvalues'),
    (schedules.poly, (0.1, -1, 10), 'power must be'),
    (schedules.poly, (0.1, 1, 0), 'max_iter must be'),
    (schedules.sigmoid, (0.1, math.nan, 5), 'gamma must be a finite'),
    (schedules.cosine, (0.1, 5, 3), 'begin must not come after end'),
    (schedules.cosine, (0.1, -1, 3), 'begin must be a whole'),
    (schedules.warm_up, (FIXED, -1, 0.1), 'rampup_interval must be'),
    (schedules.warm_up, (FIXED, 1, -0.1), 'rampup_lr must be'),
    (schedules.restarting, (FIXED, 0), 'restart must be a whole'),
    (schedules.at_least, (FIXED, math.nan), 'min_lr must be'),
    (schedules.update_probability, (-1e-4, 1), 'gamma must be'),
    (schedules.update_probability, (1e-4, -1), 'power must be'),
    (schedules.density_ramp, (1.0, 0.0, 0, 9), '0 < final <= initial'),
    (schedules.density_ramp, (1.1, 0.1, 0, 9), '0 < final <= initial'),
    (schedules.density_ramp, (1.0, 0.1, 0, 9, -1), 'power must be'),
    (schedules.geometric_ramp, (0.1, 0.9, 0, 9), 'initial 0.1 and final'),
    (schedules.geometric_ramp, (1.0, 0.1, 9, 0), 'begin must not come'),
  ],
)
def test_arguments_that_are_refused(make, arguments, message):
  with pytest.raises(InputError, match=message):
    make(*arguments)
