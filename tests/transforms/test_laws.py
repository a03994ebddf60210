"""Laws that every transformation obeys under every optimizer and wrapper."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

from prunax import transforms
from prunax.transforms.caffe import caffe_sgd
from prunax.transforms.lars import lars
from prunax.transforms.surgery import GaussianSurgery, Surgery

STEPS = 7
KERNELS = '(conv|ip)/kernel'


def dns(inner, rule):
  rules = [('(conv|ip)/.*', rule), ('.*', None)]
  return transforms.dns(inner, rules, jax.random.key(7))


METHODS = {
  'dns': lambda inner: dns(inner, Surgery(c_rate=0.3, gamma=0.1)),
  'dns_density': lambda inner: dns(inner, Surgery(density=0.4, gamma=0.1)),
  'dns_gaussian': lambda inner: dns(inner, GaussianSurgery(0.8, gamma=0.1)),
  'keep_zeros': lambda inner: optax.chain(inner, transforms.keep_zeros()),
  'gradual': lambda inner: optax.chain(
    inner,
    transforms.gradual(
      [(KERNELS, lambda t: 1 / (1 + t)), ('.*', None)], every=2
    ),
  ),
  'gradual_global': lambda inner: optax.chain(
    inner,
    transforms.gradual([(KERNELS, 0.3), ('.*', None)], every=3, scope='global'),
  ),
  'by_score': lambda inner: transforms.prune_by_score(
    inner, [(KERNELS, lambda t: 1 / (1 + t)), ('.*', None)], every=2
  ),
  'by_score_layer': lambda inner: transforms.prune_by_score(
    inner, [(KERNELS, 4), ('.*', None)], every=3, score='layer', scope='layer'
  ),
  'tie': lambda inner: optax.chain(
    transforms.tie([(KERNELS, 128), ('.*', None)]),
    inner,
    transforms.keep_zeros(),
  ),
  'inq': lambda inner: optax.chain(
    inner,
    transforms.inq([(KERNELS, 7), ('.*', None)], every=2, portions=(0.4, 1.0)),
  ),
  'inq_biases': lambda inner: optax.chain(
    inner,
    transforms.inq(
      [('(conv|ip)/.*', 3), ('.*', None)],
      every=3,
      portions=(0.5, 1.0),
      zero_cut='seed',
      biases=True,
    ),
  ),
  'slim': lambda inner: optax.chain(
    transforms.slim([('(conv|ip)/.*', 0.1), ('.*', None)]),
    inner,
    transforms.keep_zeros(),
  ),
  'soft_filters': lambda inner: optax.chain(
    inner,
    transforms.soft_filters([(KERNELS, 0.5), ('.*', None)], every=3),
  ),
  'soft_filters_fpgm': lambda inner: optax.chain(
    inner,
    transforms.soft_filters(
      [('conv/kernel', 3), ('.*', None)], every=2, score='fpgm', revive=False
    ),
  ),
  'ste': lambda inner: transforms.ste(inner, [(KERNELS, 4), ('.*', None)]),
}
OPTIMIZERS = {
  'sgd': lambda: optax.sgd(0.05, momentum=0.9),
  'adamw': lambda: optax.adamw(0.02, weight_decay=0.01),
  'lion': lambda: optax.lion(0.02),
  'caffe_sgd': lambda: caffe_sgd(0.02, weight_decay=0.01),
  'lars': lambda: lars(0.5, eta=0.1, weight_decay=0.01),
  'inject': lambda: optax.inject_hyperparams(optax.sgd)(learning_rate=0.05),
}
WRAPPERS = {
  'plain': lambda tx: tx,
  'multi_steps': lambda tx: optax.MultiSteps(tx, 2),
  'masked': lambda tx: optax.masked(
    tx, {'conv': True, 'ip': True, 'norm': False}
  ),
  'chain': lambda tx: optax.chain(optax.clip_by_global_norm(9.0), tx),
}

every_method = pytest.mark.parametrize('method', METHODS)


def network(dtype='float32'):
  rng = np.random.default_rng(0)

  def draw(*shape):
    return jnp.asarray(rng.normal(size=shape), dtype)

  kernel = draw(16, 8)
  return {
    'conv': {'kernel': draw(3, 3, 2, 4), 'bias': draw(4)},
    # Pruned already, so that all methods have zeros to keep.
    'ip': {
      'kernel': jnp.where(jnp.abs(kernel) < 0.5, 0, kernel),
      'bias': jnp.array([0.0, 1.0] * 4, dtype),
    },
    'norm': {'scale': jnp.ones(4, dtype), 'shift': jnp.ones(4, dtype)},
  }


def gradient(params, step):
  return jax.tree.map(
    lambda x: jnp.sin(3.0 * x + step + jnp.arange(x.shape[-1])).astype(x.dtype),
    params,
  )


def run(tx, params, steps=STEPS):
  state = tx.init(params)
  chex.clear_trace_counter()

  @jax.jit
  @chex.assert_max_traces(n=1)
  def step(params, state, t):
    updates, state = tx.update(gradient(params, t), state, params)
    return optax.apply_updates(params, updates), state

  for t in range(steps):
    params, state = step(params, state, jnp.int32(t))
  return params, state


def dead_weights(params, state):
  """The weights that the method's mask says are pruned."""
  mask = optax.tree.get(state, 'mask')
  leaves = {
    jax.tree_util.keystr(path): x
    for path, x in jax.tree_util.tree_flatten_with_path(params)[0]
  }
  return [
    np.asarray(leaves[jax.tree_util.keystr(path)])[~np.asarray(m)]
    for path, m in jax.tree_util.tree_flatten_with_path(mask)[0]
  ]


@every_method
@pytest.mark.parametrize('optimizer', OPTIMIZERS)
def test_pruned_is_exactly_zero_under_any_optimizer(method, optimizer):
  params, state = run(METHODS[method](OPTIMIZERS[optimizer]()), network())
  dead = np.concatenate(dead_weights(params, state))
  assert len(dead) > 20
  assert not dead.any()
  assert not np.signbit(dead).any()
  assert all(np.isfinite(x).all() for x in jax.tree.leaves(params))


@every_method
@pytest.mark.parametrize('wrapper', [w for w in WRAPPERS if w != 'plain'])
def test_wrappers_change_nothing(method, wrapper):
  inner = OPTIMIZERS['sgd']()
  params, state = run(WRAPPERS[wrapper](METHODS[method](inner)), network())
  dead = np.concatenate(dead_weights(params, state))
  assert len(dead) > 10
  assert not dead.any()


@every_method
def test_bfloat16(method):
  tx = METHODS[method](optax.sgd(0.05))
  params, state = run(tx, network('bfloat16'))
  assert {x.dtype for x in jax.tree.leaves(params)} == {jnp.dtype('bfloat16')}
  dead = np.concatenate([x.astype('f4') for x in dead_weights(params, state)])
  assert len(dead) > 20
  assert not dead.any()


@every_method
def test_zeros_of_an_earlier_stage_are_kept_where_nothing_splices(method):
  params = network()
  gone = np.asarray(params['ip']['kernel'] == 0)
  after, _ = run(METHODS[method](optax.adam(0.05)), params)
  if method not in ('dns', 'dns_density', 'dns_gaussian'):
    assert not np.asarray(after['ip']['kernel'])[gone].any()
    assert not np.asarray(after['ip']['bias'])[::2].any()
  assert np.all(np.asarray(after['norm']['scale']) != 1)


@pytest.mark.parametrize(
  'tx',
  [
    transforms.dns(
      optax.sgd(0.05),
      [(KERNELS, Surgery(c_rate=0.3)), ('.*', None)],
      jax.random.key(0),
    ),
    METHODS['gradual'](optax.sgd(0.05)),
  ],
)
def test_a_pruned_bias_stays_pruned_where_rules_name_kernels_only(tx):
  params = network()
  params['ip']['bias'] = jnp.zeros(8)
  params['norm']['shift'] = jnp.array([0.0, 1.0, 0.0, 1.0])
  after, _ = run(tx, params)
  assert not np.asarray(after['ip']['bias']).any()
  assert np.all(np.asarray(after['conv']['bias']) != 0)
  # What has no kernel was never pruned.
  assert np.all(np.asarray(after['norm']['shift']) != 0)


def test_rules_may_name_what_masked_hides():
  rules = [('norm/.*', None), ('.*', Surgery(c_rate=0.3))]
  tx = optax.masked(
    transforms.dns(optax.sgd(0.05), rules, jax.random.key(0)),
    {
      'conv': True,
      'ip': True,
      'norm': {'scale': False, 'shift': False},
    },
  )
  params, _ = run(tx, network())
  assert 0 < np.count_nonzero(params['conv']['kernel']) < 72


@pytest.mark.parametrize('method', ['dns', 'dns_density', 'dns_gaussian'])
def test_a_nan_is_not_hidden_by_pruning(method):
  tx, params = METHODS[method](optax.sgd(0.05)), network()
  state = tx.init(params)
  broken = jax.tree.map(lambda x: jnp.full_like(x, jnp.nan), params)
  for _ in range(3):
    updates, state = tx.update(broken, state, params)
    params = optax.apply_updates(params, updates)
  assert np.isnan(params['conv']['bias']).any()


@every_method
def test_buffers_may_be_donated(method):
  tx = METHODS[method](optax.sgd(0.05))
  params = network()

  @jax.jit
  def start():
    return jax.tree.map(jnp.copy, params)

  weights = start()
  state = tx.init(weights)
  step = jax.jit(
    lambda p, s: tx.update(gradient(p, 0), s, p), donate_argnums=(0, 1)
  )
  updates, _ = step(weights, state)
  want, _ = tx.update(gradient(params, 0), tx.init(params), params)
  chex.assert_trees_all_close(updates, want, atol=1e-6)


@every_method
@pytest.mark.parametrize('axis_type', [AxisType.Explicit, AxisType.Auto])
def test_four_devices_give_what_one_gives(method, axis_type):
  mesh = jax.make_mesh((4,), ('x',), axis_types=(axis_type,))
  specs = {
    'conv': {'kernel': P(None, None, None, 'x'), 'bias': P('x')},
    'ip': {'kernel': P('x', None), 'bias': P()},
    'norm': {'scale': P(), 'shift': P()},
  }
  tx = METHODS[method](optax.sgd(0.05, momentum=0.9))
  want, _ = run(tx, network())
  with jax.set_mesh(mesh):
    sharded = jax.tree.map(
      lambda x, s: jax.device_put(x, NamedSharding(mesh, s)), network(), specs
    )
    got, _ = run(tx, sharded)
  assert got['ip']['kernel'].sharding.spec[0] == 'x'
  chex.assert_trees_all_close(
    jax.tree.map(np.asarray, got), jax.tree.map(np.asarray, want), atol=1e-5
  )


@every_method
def test_works_under_scan(method):
  tx = METHODS[method](optax.sgd(0.05))
  params = network()

  def body(carry, t):
    params, state = carry
    updates, state = tx.update(gradient(params, t), state, params)
    return (optax.apply_updates(params, updates), state), None

  (got, _), _ = jax.lax.scan(body, (params, tx.init(params)), jnp.arange(STEPS))
  want, _ = run(tx, params)
  chex.assert_trees_all_close(got, want, atol=1e-5)
