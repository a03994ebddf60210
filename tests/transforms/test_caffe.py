"""Caffe's SGD against loops in NumPy, and inside optax's wrappers."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from prunax import schedules
from prunax.errors import InputError
from prunax.transforms import caffe
from prunax.transforms.caffe import caffe_sgd

LR_RULES = [('.*/bias', 2.0), ('.*', 1.0)]
DECAY_RULES = [('.*/bias', 0.0), ('.*', 1.0)]
LR = {'kernel': 1.0, 'bias': 2.0}
STEPS = 6


def _data(seed, *lead, dtype=np.float32):
  rng = np.random.default_rng(seed)
  return {
    'ip': {
      'bias': rng.normal(size=(*lead, 3)).astype(dtype),
      'kernel': rng.normal(size=(*lead, 4, 3)).astype(dtype),
    }
  }


def _solver(params, gradients, rate, momentum, decay, decay_mult, l1=False):
  """One entry at a time; the weights after every iteration."""
  weights = {k: v.astype(np.float64) for k, v in params['ip'].items()}
  velocity = {k: np.zeros_like(v) for k, v in weights.items()}
  seen = []
  for t in range(len(gradients['ip']['bias'])):
    for k in weights:
      for i in np.ndindex(weights[k].shape):
        w, g = weights[k][i], gradients['ip'][k][(t, *i)]
        g = g + decay * decay_mult[k] * (np.sign(w) if l1 else w)
        velocity[k][i] = momentum * velocity[k][i] + rate(t) * LR[k] * g
        weights[k][i] = w - velocity[k][i]
    seen.append({k: v.copy() for k, v in weights.items()})
  return [{'ip': w} for w in seen]


def _run(tx, params, gradients):
  """The weights after every step of a jitted scan."""

  @jax.jit
  def run(params, gradients):
    def body(carry, g):
      params, state = carry
      updates, state = tx.update(g, state, params)
      params = optax.apply_updates(params, updates)
      return (params, state), params

    return jax.lax.scan(body, (params, tx.init(params)), gradients)[1]

  seen = run(params, gradients)
  steps = len(jax.tree.leaves(gradients)[0])
  return [jax.tree.map(lambda x, t=t: x[t], seen) for t in range(steps)]


def _inv(t):
  return 0.1 * (1 + 0.5 * t) ** -0.75


def _assert_same(got, expected, rtol=1e-5):
  assert len(got) == len(expected)
  for a, b in zip(got, expected, strict=True):
    chex.assert_trees_all_close(a, b, rtol=rtol, atol=1e-6)


@pytest.mark.parametrize('regularization', ['L2', 'L1'])
@pytest.mark.parametrize(
  ('decay_rules', 'decay_mult'),
  [
    (None, {'kernel': 1.0, 'bias': 1.0}),
    (DECAY_RULES, {'kernel': 1.0, 'bias': 0.0}),
    (0.5, {'kernel': 0.5, 'bias': 0.5}),
  ],
)
def test_follows_the_solver_while_the_rate_changes(
  regularization, decay_rules, decay_mult
):
  params, gradients = _data(0), _data(1, STEPS)
  params['ip']['kernel'][0, 0] = 0.0  # L1 has no pull on a zero.
  tx = caffe_sgd(
    schedules.inv(0.1, 0.5, 0.75),
    momentum=0.8,
    weight_decay=0.3,
    lr_mult=LR_RULES,
    decay_mult=decay_rules,
    regularization=regularization,
  )
  expected = _solver(
    params, gradients, _inv, 0.8, 0.3, decay_mult, regularization == 'L1'
  )
  _assert_same(_run(tx, params, gradients), expected)


def test_by_hand_the_rate_stays_in_the_velocity():
  """V: 1, then 0.5 * 1 + 0.1 * 1; optax.sgd would step by 0.1 * 1.5."""
  tx = caffe_sgd(lambda count: jnp.where(count == 0, 1.0, 0.1), momentum=0.5)
  params = {'w': jnp.array([10.0])}
  state = tx.init(params)
  gradient = {'w': jnp.array([1.0])}
  first, state = tx.update(gradient, state)
  second, state = tx.update(gradient, state)
  chex.assert_trees_all_close(first, {'w': jnp.array([-1.0])})
  chex.assert_trees_all_close(second, {'w': jnp.array([-0.6])})
  chex.assert_trees_all_close(state.velocity, {'w': jnp.array([0.6])})
  assert state.count == 2


def test_multi_steps_is_iter_size():
  iter_size = 3
  params, micro = _data(2), _data(3, STEPS, iter_size)
  tx = optax.MultiSteps(
    caffe_sgd(
      schedules.inv(0.1, 0.5, 0.75),
      weight_decay=0.3,
      lr_mult=LR_RULES,
      decay_mult=DECAY_RULES,
    ),
    iter_size,
  )
  flat = jax.tree.map(lambda g: g.reshape(-1, *g.shape[2:]), micro)
  got = _run(tx, params, flat)
  summed = jax.tree.map(lambda g: g.sum(1) / iter_size, micro)
  expected = _solver(
    params, summed, _inv, 0.9, 0.3, {'kernel': 1.0, 'bias': 0.0}
  )
  _assert_same(got[iter_size - 1 :: iter_size], expected)
  chex.assert_trees_all_equal(got[0], params)  # Still until a batch is whole.


def test_injected_hyperparameters_can_change_in_the_state():
  params, gradients = _data(4), _data(5, STEPS)
  tx = optax.inject_hyperparams(caffe_sgd)(
    learning_rate=0.1, weight_decay=0.3, lr_mult=LR_RULES, decay_mult=1.0
  )
  state, update, seen = tx.init(params), jax.jit(tx.update), [params]
  for t in range(STEPS):
    state.hyperparams['learning_rate'] = jnp.float32(_inv(t))
    g = jax.tree.map(lambda x, t=t: x[t], gradients)
    updates, state = update(g, state, seen[-1])
    seen.append(optax.apply_updates(seen[-1], updates))
  expected = _solver(
    params, gradients, _inv, 0.9, 0.3, {'kernel': 1.0, 'bias': 1.0}
  )
  _assert_same(seen[1:], expected)
  scheduled = optax.inject_hyperparams(caffe_sgd)(
    learning_rate=schedules.inv(0.1, 0.5, 0.75),
    weight_decay=0.3,
    lr_mult=LR_RULES,
  )
  _assert_same(_run(scheduled, params, gradients), expected)


def test_rules_serve_under_any_mask():
  params, gradients = _data(6), _data(7, STEPS)
  tx = optax.masked(
    caffe_sgd(0.1, weight_decay=0.3, lr_mult=LR_RULES),
    {'ip': {'bias': False, 'kernel': True}},
  )
  expected = _solver(params, gradients, lambda _: 0.1, 0.9, 0.3, LR)
  state = tx.init(params)
  for t in range(STEPS):
    g = jax.tree.map(lambda x, t=t: x[t], gradients)
    updates, state = jax.jit(tx.update)(g, state, params)
    chex.assert_trees_all_equal(updates['ip']['bias'], g['ip']['bias'])
    params = optax.apply_updates(params, updates)
    chex.assert_trees_all_close(
      params['ip']['kernel'], expected[t]['ip']['kernel'], rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize('decay', [0.0, 0.25])
def test_bfloat16_weights_have_a_float32_velocity(decay):
  """Exact sums of a velocity that bfloat16 would round at every step."""
  params = {'w': jnp.ones(2, jnp.bfloat16)}
  gradient = {'w': jnp.full(2, 1 / 3, jnp.bfloat16)}
  g = float(gradient['w'][0])
  tx = caffe_sgd(0.1, momentum=0.9, weight_decay=decay)
  state, velocity = tx.init(params), 0.0
  for _ in range(5):
    updates, state = jax.jit(tx.update)(gradient, state, params)
    assert updates['w'].dtype == jnp.bfloat16
    velocity = 0.9 * velocity + 0.1 * (g + decay)
    assert state.velocity['w'].dtype == jnp.float32
    np.testing.assert_allclose(state.velocity['w'], velocity, rtol=1e-6)
    np.testing.assert_allclose(
      np.asarray(updates['w'], np.float32), -velocity, rtol=2**-8
    )


def test_no_parameters_are_needed_without_decay():
  params, gradients = _data(8), _data(9)
  tx = caffe_sgd(0.1)
  state = tx.init(params)
  with_params, _ = tx.update(gradients, state, params)
  without, _ = tx.update(gradients, state)
  chex.assert_trees_all_equal(with_params, without)
  decaying = caffe_sgd(0.1, weight_decay=5e-4)
  with pytest.raises(InputError, match='weight decay needs the parameters'):
    decaying.update(gradients, decaying.init(params))


def test_optax_can_map_over_the_velocity():
  params = _data(10)
  tx = caffe_sgd(0.1, lr_mult=LR_RULES)
  state = optax.tree.map_params(tx, lambda v: v + 1, tx.init(params))
  ones = jax.tree.map(np.ones_like, params)
  chex.assert_trees_all_equal(state.velocity, ones)
  assert state.count == 0


@pytest.mark.parametrize(
  ('settings', 'message'),
  [
    ({'learning_rate': -0.1}, 'learning_rate must be a finite number'),
    ({'learning_rate': float('nan')}, 'learning_rate'),
    ({'learning_rate': '0.1'}, "got '0.1'"),
    ({'momentum': 1.0}, 'momentum must be .* from 0 to under 1'),
    ({'weight_decay': float('inf')}, 'weight_decay'),
    ({'regularization': 'l2'}, "'L2' or 'L1'"),
  ],
)
def test_numbers_that_are_refused_at_construction(settings, message):
  with pytest.raises(InputError, match=message):
    caffe_sgd(**({'learning_rate': 0.1} | settings))


@pytest.mark.parametrize(
  ('settings', 'message'),
  [
    ({'lr_mult': -1.0}, 'lr_mult must be'),
    ({'lr_mult': 'fast'}, "got 'fast'"),
    ({'lr_mult': [('.*/bias', None), ('.*', 1.0)]}, "of 'ip/bias'"),
    ({'decay_mult': [('.*/bias', 0.0)]}, "'ip/kernel' is matched by none"),
    ({'decay_mult': [('conv', 0.0), ('.*', 1.0)]}, "'conv' matches none"),
  ],
)
def test_rules_that_are_refused_at_init(settings, message):
  with pytest.raises(InputError, match=message):
    caffe_sgd(0.1, **settings).init(_data(0))


def test_multipliers_of_one_bare_array():
  assert caffe.multipliers('lr_mult', [('.*', 3.0)], np.ones(2)) == 3.0
  assert caffe.multipliers('lr_mult', None, np.ones(2)) == 1.0
