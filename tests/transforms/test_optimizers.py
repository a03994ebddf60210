"""Optimizers from plain values equal those built by hand."""

import chex
import jax
import numpy as np
import optax
import pytest

from prunax import schedules
from prunax.errors import InputError
from prunax.transforms.caffe import caffe_sgd
from prunax.transforms.lars import lars
from prunax.transforms.optimizers import accumulate, optimizer

SCHEDULE = {'policy': 'inv', 'base': 0.1, 'gamma': 0.5, 'power': 0.75}
RATE = schedules.inv(0.1, 0.5, 0.75)
RULES = [('bias', 2.0), ('.*', 1.0)]
STEPS = 6


def _data(seed, *lead):
  rng = np.random.default_rng(seed)
  return {
    'bias': rng.normal(size=(*lead, 3)).astype(np.float32),
    'kernel': rng.normal(size=(*lead, 4, 3)).astype(np.float32),
  }


def _run(tx, params, gradients):
  @jax.jit
  def run(params, gradients):
    def body(carry, g):
      params, state = carry
      updates, state = tx.update(g, state, params)
      params = optax.apply_updates(params, updates)
      return (params, state), params

    return jax.lax.scan(body, (params, tx.init(params)), gradients)[1]

  return run(params, gradients)


@pytest.mark.parametrize(
  ('name', 'given', 'by_hand'),
  [
    (
      'caffe_sgd',
      {'momentum': 0.5, 'weight_decay': 0.3, 'lr_mult': RULES},
      caffe_sgd(RATE, 0.5, 0.3, RULES),
    ),
    (
      'lars',
      {'eta': 0.1, 'weight_decay': 0.3, 'decay_mult': RULES, 'compat': True},
      lars(RATE, 0.1, weight_decay=0.3, decay_mult=RULES, compat=True),
    ),
    (
      'sgd',
      {'momentum': 0.5, 'weight_decay': 0.3},
      optax.chain(optax.add_decayed_weights(0.3), optax.sgd(RATE, 0.5)),
    ),
    ('adam', {'b1': 0.8}, optax.adam(RATE, b1=0.8)),
    ('adamw', {'weight_decay': 0.3}, optax.adamw(RATE, weight_decay=0.3)),
    ('lion', {'weight_decay': 0.3}, optax.lion(RATE, weight_decay=0.3)),
  ],
)
def test_each_name_builds_its_optimizer(name, given, by_hand):
  params, gradients = _data(0), _data(1, STEPS)
  tx = optimizer({'name': name, 'schedule': SCHEDULE} | given)
  got = _run(tx, params, gradients)
  chex.assert_trees_all_close(got, _run(by_hand, params, gradients), rtol=1e-6)


def test_clip_norm_bounds_the_gradient_before_decay():
  params, gradients = _data(2), _data(3, STEPS)
  tx = optimizer(
    {
      'name': 'caffe_sgd',
      'schedule': SCHEDULE,
      'weight_decay': 0.3,
      'clip_norm': 0.5,
      'iter_size': 1,
    }
  )
  clipped = jax.tree.map(np.copy, gradients)
  for t in range(STEPS):
    norm = sum(np.sum(np.square(g[t])) for g in gradients.values()) ** 0.5
    assert norm > 0.5
    for g in clipped.values():
      g[t] *= 0.5 / norm
  expected = _run(caffe_sgd(RATE, weight_decay=0.3), params, clipped)
  chex.assert_trees_all_close(
    _run(tx, params, gradients), expected, rtol=1e-5, atol=1e-6
  )


def test_accumulate_steps_once_a_batch_on_the_mean():
  params, micro = _data(4), _data(5, STEPS, 2)
  tx = caffe_sgd(RATE, weight_decay=0.3)
  flat = jax.tree.map(lambda g: g.reshape(-1, *g.shape[2:]), micro)
  got = _run(accumulate(tx, 2), params, flat)
  expected = _run(tx, params, jax.tree.map(lambda g: g.mean(1), micro))
  chex.assert_trees_all_close(
    jax.tree.map(lambda x: x[1::2], got), expected, rtol=1e-5, atol=1e-6
  )
  assert accumulate(tx, 1) is tx


def test_accumulate_hands_extra_arguments_on():
  def update(updates, state, params=None, *, factor):
    return jax.tree.map(lambda g: factor * g, updates), state

  inner = optax.GradientTransformationExtraArgs(optax.init_empty_state, update)
  tx = optax.chain(accumulate(inner, 2), optax.identity())
  params = _data(6)
  state = tx.init(params)
  _, state = tx.update(params, state, params, factor=3.0)
  updates, _ = tx.update(params, state, params, factor=3.0)
  chex.assert_trees_all_close(updates, jax.tree.map(lambda x: 3 * x, params))


@pytest.mark.parametrize(
  ('given', 'message'),
  [
    ({'name': 'rmsprop'}, 'caffe_sgd, lars, sgd, adam, adamw, lion'),
    ({'name': None}, 'must be known'),
    ({'schedule': None}, "mapping with a 'policy'"),
    ({'nesterov': True}, 'momentum, weight_decay, lr_mult, .* got .*nesterov'),
    ({'name': 'adam', 'weight_decay': 0.1}, 'b1, b2, eps'),
    ({'iter_size': 0}, 'iter_size must be a whole number'),
    ({'clip_norm': -1.0}, 'clip_norm must be'),
    ({'momentum': 1.0}, 'momentum must be'),
  ],
)
def test_settings_that_are_refused(given, message):
  with pytest.raises(InputError, match=message):
    optimizer({'name': 'caffe_sgd', 'schedule': SCHEDULE} | given)


def test_a_schedule_must_be_given():
  with pytest.raises(InputError, match="must have the key 'schedule'"):
    optimizer({'name': 'sgd', 'momentum': 0.9})


@pytest.mark.parametrize('iter_size', [0, -1, 2.0, True])
def test_iter_sizes_that_are_refused(iter_size):
  with pytest.raises(InputError, match='iter_size'):
    accumulate(caffe_sgd(0.1), iter_size)
