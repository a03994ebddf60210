"""LARS against loops in NumPy: the paper's rule and the older solver's."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from prunax import schedules
from prunax.errors import InputError
from prunax.transforms.lars import lars

LR = {'bias': 2.0, 'kernel': 1.0}
DECAY = {'bias': 0.25, 'kernel': 1.0}
LR_RULES = [('bias', 2.0), ('kernel', 1.0)]
DECAY_RULES = [('bias', 0.25), ('kernel', 1.0)]
ETA, MOMENTUM, BETA, STEPS = 0.05, 0.8, 0.3, 6


def _data(seed, *lead):
  rng = np.random.default_rng(seed)
  return {
    'bias': rng.normal(size=(*lead, 3)).astype(np.float32),
    'kernel': rng.normal(size=(*lead, 4, 3)).astype(np.float32),
  }


def _norm(x):
  return sum(float(v) ** 2 for v in x.ravel()) ** 0.5


def _paper(g, w, name):
  beta = BETA * DECAY[name]
  rate = ETA * _norm(w) / (_norm(g) + beta * _norm(w))
  return LR[name] * rate, g + beta * w


def _solver(g, w, name):
  g = g + BETA * DECAY[name] * w
  rate = ETA * _norm(w) / (_norm(g) + BETA * _norm(w))
  return rate, g


def _expected(rule, params, gradients):
  weights = {k: v.astype(np.float64) for k, v in params.items()}
  velocity = {k: np.zeros_like(v) for k, v in weights.items()}
  for t in range(STEPS):
    rate = 0.7 * (1 + 0.5 * t) ** -0.75
    for k in weights:
      local, g = rule(gradients[k][t].astype(np.float64), weights[k], k)
      velocity[k] = MOMENTUM * velocity[k] + rate * local * g
      weights[k] = weights[k] - velocity[k]
  return weights


def _lars(**settings):
  return lars(
    schedules.inv(0.7, 0.5, 0.75),
    eta=ETA,
    momentum=MOMENTUM,
    weight_decay=BETA,
    lr_mult=LR_RULES,
    decay_mult=DECAY_RULES,
    **settings,
  )


def _run(tx, params, gradients):
  @jax.jit
  def run(params, gradients):
    def body(carry, g):
      params, state = carry
      updates, state = tx.update(g, state, params)
      return (optax.apply_updates(params, updates), state), None

    return jax.lax.scan(body, (params, tx.init(params)), gradients)[0][0]

  return run(params, gradients)


@pytest.mark.parametrize(('compat', 'rule'), [(False, _paper), (True, _solver)])
def test_follows_the_rule_while_the_rate_changes(compat, rule):
  params, gradients = _data(0), _data(1, STEPS)
  got = _run(_lars(compat=compat), params, gradients)
  expected = _expected(rule, params, gradients)
  chex.assert_trees_all_close(got, expected, rtol=1e-5, atol=1e-6)


def test_the_two_rules_by_hand():
  """||w|| 5, ||g|| 5, decay 0.2: g + 0.2 w = (-2.4, 4.8) of norm sqrt(28.8)."""
  params = {'w': jnp.array([3.0, 4.0])}
  gradients = {'w': jnp.array([-3.0, 4.0])}
  clean = lars(1.0, 0.5, 0.0, 0.2, lr_mult=2.0)
  got, _ = clean.update(gradients, clean.init(params), params)
  # lambda = 0.5 * 5 / (5 + 0.2 * 5) = 5/12, twice for lr_mult.
  chex.assert_trees_all_close(got, {'w': jnp.array([2.0, -4.0])}, rtol=1e-6)
  compat = lars(1.0, 0.5, 0.0, 0.2, lr_mult=2.0, compat=True)
  got, _ = compat.update(gradients, compat.init(params), params)
  rate = 2.5 / (28.8**0.5 + 1)
  expected = {'w': rate * jnp.array([2.4, -4.8])}
  chex.assert_trees_all_close(got, expected, rtol=1e-6)


@pytest.mark.parametrize('compat', [False, True])
@pytest.mark.parametrize('decay', [0.0, 0.5])
def test_leaves_without_a_norm_take_a_plain_step(compat, decay):
  params = {'a': jnp.zeros(2), 'b': jnp.zeros(2)}
  gradients = {'a': jnp.array([1.0, -2.0]), 'b': jnp.zeros(2)}
  tx = lars(0.1, momentum=0.0, weight_decay=decay, compat=compat)
  got, _ = tx.update(gradients, tx.init(params), params)
  expected = {'a': jnp.array([-0.1, 0.2]), 'b': jnp.zeros(2)}
  chex.assert_trees_all_close(got, expected)


def test_a_leaf_without_gradient_only_decays():
  """lambda is eta / beta, so the step is rate * eta * w."""
  params = {'w': jnp.array([2.0, -4.0])}
  tx = lars(0.1, eta=0.5, momentum=0.0, weight_decay=0.25)
  got, _ = tx.update({'w': jnp.zeros(2)}, tx.init(params), params)
  chex.assert_trees_all_close(got, {'w': jnp.array([-0.1, 0.2])}, rtol=1e-6)
  still = lars(0.1, eta=0.5, momentum=0.0)
  got, _ = still.update({'w': jnp.zeros(2)}, still.init(params), params)
  chex.assert_trees_all_close(got, {'w': jnp.zeros(2)})


def test_the_length_of_a_gradient_does_not_matter_without_decay():
  params, gradients = _data(2), _data(3)
  tx = lars(0.1, eta=0.01)
  state = tx.init(params)
  once, _ = tx.update(gradients, state, params)
  many, _ = tx.update(
    jax.tree.map(lambda g: 1000 * g, gradients), state, params
  )
  chex.assert_trees_all_close(once, many, rtol=1e-5)


def test_excluded_leaves_follow_caffe_sgd():
  params, gradients = _data(4), _data(5, STEPS)
  got = _run(_lars(exclude=[('bias', True), ('.*', False)]), params, gradients)

  def rule(g, w, name):
    if name == 'bias':
      return LR[name], g + BETA * DECAY[name] * w
    return _paper(g, w, name)

  expected = _expected(rule, params, gradients)
  chex.assert_trees_all_close(got, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize('compat', [False, True])
def test_sharded_weights_make_the_same_step(compat):
  params, gradients = _data(6), _data(7, STEPS)
  plain = _run(_lars(compat=compat), params, gradients)
  mesh = jax.make_mesh((4,), ('x',))
  rows = jax.sharding.NamedSharding(mesh, jax.P('x'))
  later = jax.sharding.NamedSharding(mesh, jax.P(None, 'x'))
  with jax.set_mesh(mesh):
    params['kernel'] = jax.device_put(params['kernel'], rows)
    gradients['kernel'] = jax.device_put(gradients['kernel'], later)
    got = _run(_lars(compat=compat), params, gradients)
  assert got['kernel'].sharding.spec[0] == 'x'
  chex.assert_trees_all_close(
    jax.device_get(got), jax.device_get(plain), rtol=1e-5, atol=1e-6
  )


def test_bfloat16_weights_get_bfloat16_updates():
  params = jax.tree.map(lambda x: jnp.asarray(x, jnp.bfloat16), _data(8))
  gradients = jax.tree.map(lambda x: jnp.asarray(x, jnp.bfloat16), _data(9))
  wide = jax.tree.map(lambda x: x.astype(jnp.float32), (params, gradients))
  tx = _lars()
  got, _ = tx.update(gradients, tx.init(params), params)
  expected, _ = tx.update(wide[1], tx.init(wide[0]), wide[0])
  chex.assert_trees_all_equal_dtypes(got, params)
  chex.assert_trees_all_close(
    got, jax.tree.map(lambda x: x.astype(jnp.bfloat16), expected)
  )


def test_under_inject_hyperparams_masked_and_multi_steps():
  params, gradients = _data(10), _data(11, STEPS)
  expected = _run(_lars(), params, gradients)
  injected = optax.inject_hyperparams(lars)(
    learning_rate=schedules.inv(0.7, 0.5, 0.75),
    eta=ETA,
    momentum=MOMENTUM,
    weight_decay=BETA,
    lr_mult=LR_RULES,
    decay_mult=DECAY_RULES,
  )
  chex.assert_trees_all_close(
    _run(injected, params, gradients), expected, rtol=1e-5
  )
  masked = optax.masked(_lars(), {'bias': False, 'kernel': True})
  got = _run(masked, params, gradients)
  chex.assert_trees_all_close(got['kernel'], expected['kernel'], rtol=1e-6)
  twice = jax.tree.map(lambda g: np.repeat(g, 2, axis=0), gradients)
  got = _run(optax.MultiSteps(_lars(), 2), params, twice)
  chex.assert_trees_all_close(got, expected, rtol=1e-5)


@pytest.mark.parametrize(
  ('settings', 'message'),
  [
    ({'eta': 1.0}, 'eta must be .* from 0 to under 1, got 1.0'),
    ({'eta': -0.1}, 'eta must be'),
    ({'momentum': 1.5}, 'momentum must be'),
    ({'weight_decay': -1.0}, 'weight_decay must be'),
    ({'exclude': [('.*', False)], 'compat': True}, 'None with compat'),
  ],
)
def test_arguments_that_are_refused(settings, message):
  with pytest.raises(InputError, match=message):
    lars(0.1, **settings)


def test_rules_and_updates_that_are_refused():
  params = _data(12)
  with pytest.raises(InputError, match=r"got 1\.0 for 'bias'"):
    lars(0.1, exclude=[('bias', 1.0), ('.*', False)]).init(params)
  with pytest.raises(InputError, match="'conv' matches none"):
    lars(0.1, decay_mult=[('conv', 1.0), ('.*', 1.0)]).init(params)
  tx = lars(0.1)
  with pytest.raises(InputError, match='lars needs the parameters'):
    tx.update(params, tx.init(params))
