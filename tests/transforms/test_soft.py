"""Filters that are zeroed again and again, by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from prunax import InputError, soft_filters

RULES = [('.*/kernel', 2), ('.*', None)]


def start():
  return {
    'conv': {
      'kernel': jnp.array([[3.0, 1.0, 2.0], [0.0, 1.0, 0.0]]),
      'bias': jnp.ones(3),
    }
  }


def steps(tx, grads, n):
  """The kernels after each of n steps."""
  params = start()
  state, found = tx.init(params), []
  for t in range(n):
    updates, state = tx.update(
      {'conv': {'kernel': grads[t], 'bias': jnp.zeros(3)}}, state, params
    )
    params = optax.apply_updates(params, updates)
    found.append(np.asarray(params['conv']['kernel']))
  np.testing.assert_array_equal(params['conv']['bias'], np.ones(3))
  return found


GROW = jnp.array([[0.0, -2.0, 0.0], [0.0, 0.0, 0.0]])
STILL = jnp.zeros((2, 3))


def test_a_filter_that_was_zeroed_comes_back_if_it_grows():
  tx = optax.chain(optax.sgd(1.0), soft_filters(RULES, every=3))
  found = steps(tx, [STILL, GROW, GROW, STILL], 4)
  # The norms are 3, sqrt(2) and 2.
  np.testing.assert_array_equal(found[0], [[3, 0, 2], [0, 0, 0]])
  np.testing.assert_array_equal(found[1], [[3, 2, 2], [0, 0, 0]])
  # 4 is more than 2 now.
  np.testing.assert_array_equal(found[2], [[3, 4, 0], [0, 0, 0]])
  np.testing.assert_array_equal(found[3], [[3, 4, 0], [0, 0, 0]])


def test_without_revival_it_waits_as_it_is():
  tx = optax.chain(optax.sgd(1.0), soft_filters(RULES, every=3, revive=False))
  found = steps(tx, [STILL, GROW, GROW, STILL], 4)
  np.testing.assert_array_equal(found[1], [[3, 0, 2], [0, 0, 0]])
  # Of the step that draws anew the growth counts.
  np.testing.assert_array_equal(found[2], [[3, 2, 0], [0, 0, 0]])


def test_fpgm_zeroes_what_lies_between_the_others():
  tx = optax.chain(optax.sgd(0.0), soft_filters(RULES, every=9, score='fpgm'))
  params = {'ip': {'kernel': jnp.array([[1.0, 5.0, 9.0, 20.0]])}}
  updates, _ = tx.update(params, tx.init(params), params)
  after = optax.apply_updates(params, updates)['ip']['kernel']
  # Summed distances: 31, 23, 23, 45.
  np.testing.assert_array_equal(after, [[1, 0, 0, 20]])


def test_a_density_keeps_a_filter_at_least():
  params = {'ip': {'kernel': jnp.array([[1.0, 2.0, 3.0, 4.0]])}}
  for density, alive in ((0.5, 2), (0.01, 1), (1.0, 4)):
    tx = optax.chain(optax.sgd(0.0), soft_filters([('.*', density)], every=1))
    updates, _ = tx.update(params, tx.init(params), params)
    after = optax.apply_updates(params, updates)
    assert np.count_nonzero(after['ip']['kernel']) == alive


@pytest.mark.parametrize('rules', [[('.*', 4)], [('.*', 0)], [('.*', 2)]])
def test_counts_must_fit_and_leaves_must_be_kernels(rules):
  with pytest.raises(InputError, match=r'a filter at least|must have kernels'):
    soft_filters(rules, every=1).init(start())


def test_a_count_of_more_filters_than_there_are():
  with pytest.raises(InputError, match=r'the 3 filters of .*, got 4'):
    soft_filters([('.*/kernel', 4), ('.*', None)], every=1).init(start())


def test_a_score_that_nobody_knows():
  with pytest.raises(InputError, match=r'l2, fpgm, got .l7.'):
    soft_filters(RULES, every=1, score='l7')


def test_jit_traces_once():
  tx = optax.chain(optax.sgd(0.1), soft_filters(RULES, every=2))
  params = start()
  step = jax.jit(lambda p, s: tx.update(p, s, p))
  state = tx.init(params)
  for _ in range(5):
    updates, state = step(params, state)
    params = optax.apply_updates(params, updates)
  assert step._cache_size() == 1
