"""Surgery against a NumPy loop of the published rule, and by hand."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from prunax import transforms
from prunax.errors import InputError
from prunax.transforms.surgery import GaussianSurgery, Surgery

ALWAYS = {'gamma': 0.0, 'iter_stop': 1000}


def small_net(seed=0):
  rng = np.random.default_rng(seed)
  return {
    name: {
      'kernel': jnp.asarray(rng.normal(size=shape), jnp.float32),
      'bias': jnp.asarray(rng.normal(size=shape[-1:]) / 9, jnp.float32),
    }
    for name, shape in {'conv': (3, 3, 1, 4), 'ip': (8, 5)}.items()
  }


def gradients(step):
  return jax.tree.map(
    lambda x: jnp.sin(17.0 * x + step), small_net(seed=step + 1)
  )


def train(tx, params, steps, state=None, start=0):
  state = tx.init(params) if state is None else state
  update = jax.jit(tx.update)
  seen = []
  for t in range(start, start + steps):
    updates, state = update(gradients(t), state, params)
    params = optax.apply_updates(params, updates)
    seen.append((params, state))
  return params, state, seen


def oracle(net, c_rate, band, steps, lr=0.05, momentum=0.9, decay=0.01):
  """Caffe's loop, layer by layer: the mask is drawn before each forward."""
  dense = {k: np.asarray(v, np.float64) for k, v in net.items()}
  alive = {k: np.ones(v.shape, bool) for k, v in dense.items()}
  velocity = {k: np.zeros(v.shape) for k, v in dense.items()}
  pooled = np.abs(np.concatenate([v.ravel() for v in dense.values()]))
  limit = max(pooled.mean() + c_rate * pooled.std(), 0.0)
  history = []
  for t in range(steps + 1):
    if 0 < t < steps:
      for k, w in dense.items():
        for i in np.ndindex(w.shape):
          if alive[k][i] and abs(w[i]) <= band[0] * limit:
            alive[k][i] = False
          elif not alive[k][i] and abs(w[i]) > band[1] * limit:
            alive[k][i] = True
    if t > 0:
      history.append({k: dense[k] * alive[k] for k in dense})
    for k, w in dense.items():
      g = np.asarray(gradients(t)['ip'][k], np.float64) + decay * w
      velocity[k] = momentum * velocity[k] + lr * g
      dense[k] = w - velocity[k]
  return history


@pytest.mark.parametrize('c_rate', [0.5, -0.3, -9.0])
@pytest.mark.parametrize('band', [(0.9, 1.1), (0.95, 1.05)])
def test_equals_the_published_loop(c_rate, band):
  inner = optax.chain(
    optax.add_decayed_weights(0.01), optax.sgd(0.05, momentum=0.9)
  )
  rules = [('ip/.*', Surgery(c_rate=c_rate, **ALWAYS)), ('.*', None)]
  tx = transforms.dns(inner, rules, jax.random.key(0), band=band, steps=12)
  _, _, seen = train(tx, small_net(), 12)
  for (params, _), want in zip(
    seen, oracle(small_net()['ip'], c_rate, band, 12), strict=True
  ):
    for name, w in want.items():
      np.testing.assert_allclose(params['ip'][name], w, atol=1e-5)
      np.testing.assert_array_equal(params['ip'][name] == 0, w == 0)


def test_pruned_weights_go_on_training_and_come_back():
  params = {'ip': {'kernel': jnp.array([[1.0, 0.1], [2.0, 3.0]])}}
  rules = [('.*', Surgery(c_rate=-1.0, **ALWAYS))]
  tx = transforms.dns(optax.sgd(1.0), rules, jax.random.key(0))
  state = tx.init(params)
  grads = {'ip': {'kernel': jnp.array([[0.0, 0.0], [0.0, 0.0]])}}
  updates, state = tx.update(grads, state, params)
  params = optax.apply_updates(params, updates)
  assert params['ip']['kernel'].tolist() == [[1.0, 0.0], [2.0, 3.0]]
  assert float(state.dense['ip']['kernel'][0, 1]) == pytest.approx(0.1)
  assert transforms.splices(state) == {'ip': 0}
  grads = {'ip': {'kernel': jnp.array([[0.0, -5.0], [0.0, 0.0]])}}
  updates, state = tx.update(grads, state, params)
  params = optax.apply_updates(params, updates)
  assert float(params['ip']['kernel'][0, 1]) == pytest.approx(5.1)
  assert transforms.splices(state) == {'ip': 1}


def test_no_mask_is_drawn_at_or_after_the_stop_nor_after_the_last_step():
  rules = [
    ('conv/.*', Surgery(c_rate=0.5, gamma=0.0, iter_stop=3)),
    ('ip/.*', Surgery(c_rate=0.5, gamma=0.0, iter_stop=99)),
  ]
  tx = transforms.dns(optax.sgd(2.0), rules, jax.random.key(0), steps=6)
  _, _, seen = train(tx, small_net(), 6)
  masks = [jax.tree.map(np.asarray, state.mask) for _, state in seen]

  def changes(layer):
    pairs = itertools.pairwise(masks)
    return [
      not np.array_equal(a[layer]['kernel'], b[layer]['kernel'])
      for a, b in pairs
    ]

  # masks[t] serves the forward of t + 1.
  assert changes('conv') == [True, False, False, False, False]
  assert changes('ip') == [True, True, True, True, False]


def test_the_first_forward_is_unmasked_and_the_second_is_not():
  rules = [('.*', Surgery(c_rate=0.5, **ALWAYS))]
  tx = transforms.dns(optax.sgd(0.0), rules, jax.random.key(0))
  state = tx.init(small_net())
  assert all(bool(m.all()) for m in jax.tree.leaves(state.mask))
  params, _, _ = train(tx, small_net(), 1)
  assert 0 < np.count_nonzero(params['ip']['kernel']) < 40


def test_negative_stop_leaves_a_layer_dense():
  rules = [
    ('conv/.*', Surgery(c_rate=1.0, gamma=0.0, iter_stop=-1)),
    ('ip/.*', GaussianSurgery(gamma=0.0, iter_stop=-1)),
  ]
  tx = transforms.dns(optax.sgd(0.1), rules, jax.random.key(0))
  params, _, _ = train(tx, small_net(), 4)
  assert all(np.all(x != 0) for x in jax.tree.leaves(params))


def test_a_second_phase_goes_on_from_the_first():
  first = [('conv/.*', Surgery(c_rate=0.5, **ALWAYS)), ('.*', None)]
  params, _, _ = train(
    transforms.dns(optax.sgd(0.1), first, jax.random.key(0)), small_net(), 5
  )
  gone = params['conv']['kernel'] == 0
  assert 0 < int(gone.sum()) < gone.size
  assert bool(jnp.all(params['ip']['kernel'] != 0))
  second = [('ip/.*', Surgery(c_rate=0.5, **ALWAYS)), ('.*', None)]
  tx = transforms.dns(optax.sgd(0.1), second, jax.random.key(1))
  after, _, _ = train(tx, params, 5)
  np.testing.assert_array_equal(after['conv']['kernel'] == 0, gone)
  assert np.count_nonzero(after['ip']['kernel']) < 40
  alive = np.asarray(~gone)
  moved = np.asarray(after['conv']['kernel'] != params['conv']['kernel'])
  assert moved[alive].all()


def test_zero_biases_of_a_dense_layer_start_alive():
  net = {'ip': {'kernel': jnp.ones((2, 2)), 'bias': jnp.zeros(2)}}
  tx = transforms.dns(optax.sgd(0.1), [('.*', None)], jax.random.key(0))
  assert bool(tx.init(net).mask['ip']['bias'].all())
  net['ip']['kernel'] = jnp.eye(2)
  mask = tx.init(net).mask['ip']
  assert not bool(mask['bias'].any())
  assert mask['kernel'].tolist() == [[True, False], [False, True]]


@pytest.mark.parametrize('prune_bias', [True, False])
@pytest.mark.parametrize('density', [0.07, 0.3, 0.9])
def test_a_target_density_is_met(density, prune_bias):
  rng = np.random.default_rng(0)
  net = {
    'ip': {
      'kernel': jnp.asarray(rng.normal(size=(40, 100)), jnp.float32),
      'bias': jnp.asarray(rng.normal(size=100), jnp.float32),
    }
  }
  tx = transforms.dns(
    optax.sgd(0.1),
    [('.*', Surgery(density=density, **ALWAYS))],
    jax.random.key(0),
    prune_bias=prune_bias,
  )
  state = tx.init(net)
  for t in range(4):
    grads = jax.tree.map(lambda x, t=t: jnp.cos(9 * x + t), net)
    updates, state = tx.update(grads, state, net)
    net = optax.apply_updates(net, updates)
  pruned = [net['ip']['kernel']] + [net['ip']['bias']] * prune_bias
  alive = sum(np.count_nonzero(x) for x in pruned)
  assert alive == round(density * sum(x.size for x in pruned))
  assert prune_bias or bool(jnp.all(net['ip']['bias'] != 0))


def test_gaussian_surgery_has_no_memory_and_spares_biases():
  rules = [('.*', GaussianSurgery(threshold=1.0, gamma=0.0))]
  tx = transforms.dns(optax.sgd(0.2), rules, jax.random.key(0))
  _, _, seen = train(tx, small_net(), 4)
  for params, state in seen:
    dense = np.asarray(state.dense['ip']['kernel'], np.float64)
    inside = np.abs(dense - dense.mean()) < dense.std()
    np.testing.assert_array_equal(params['ip']['kernel'] == 0, inside)
    assert np.all(params['ip']['bias'] != 0)


@pytest.mark.parametrize('whole_net', [True, False])
def test_draws_follow_their_probability(whole_net):
  one = {'surgery_iter_gamma': 0.5, 'surgery_iter_power': 0.5}
  rules = [('.*', GaussianSurgery(threshold=0.6, gamma=0.5, power=0.5))]
  tx = transforms.dns(
    optax.sgd(0.5), rules, jax.random.key(3), **(one if whole_net else {})
  )
  _, _, seen = train(tx, small_net(), 80)
  drawn = {'conv': [], 'ip': []}
  for (_, old), (_, new) in itertools.pairwise(seen):
    for layer, hits in drawn.items():
      a, b = old.mask[layer]['kernel'], new.mask[layer]['kernel']
      hits.append(bool(jnp.any(a != b)))
  want = sum((1 + 0.5 * t) ** -0.5 for t in range(2, 81))
  for hits in drawn.values():
    assert abs(sum(hits) - want) < 12
  assert (drawn['conv'] == drawn['ip']) == whole_net


def test_a_resumed_run_goes_on_exactly():
  rules = [('.*', Surgery(c_rate=0.2, gamma=0.3, iter_stop=50))]
  tx = transforms.dns(optax.adam(0.05), rules, jax.random.key(5))
  want, _, _ = train(tx, small_net(), 9)
  params, state, _ = train(tx, small_net(), 4)
  leaves, structure = jax.tree.flatten(state)
  on_disk = [np.array(x) for x in leaves]
  state = jax.tree.unflatten(structure, on_disk)
  got, _, _ = train(tx, params, 5, state, start=4)
  for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
  ('rules', 'words'),
  [
    ([('.*', Surgery(c_rate=float('inf')))], ['c_rate', 'finite', 'inf']),
    ([('.*', {'c_rat': 1})], ['c_rat', 'c_rate, gamma']),
    ([('.*', Surgery(density=1.5))], ['density', '1.5']),
    ([('.*', Surgery(density=0.0))], ['density', '0.0']),
    ([('.*', 0.5)], ['0.5', 'Surgery']),
    ([('.*', GaussianSurgery(gamma=-1.0))], ['gamma', '-1.0']),
    ([('fc/.*', Surgery()), ('.*', None)], ["'fc/.*'", 'ip/kernel']),
    ([('ip/bias', Surgery(2.0)), ('.*', Surgery())], ["'ip'", 'ip/bias']),
  ],
)
def test_bad_rules_are_said_in_one_sentence(rules, words):
  with pytest.raises(InputError) as e:
    transforms.dns(optax.sgd(0.1), rules, jax.random.key(0)).init(small_net())
  assert all(word in str(e.value) for word in words)
  assert '\n' not in str(e.value)


def test_a_bad_band_and_missing_params_are_refused():
  with pytest.raises(InputError, match='band'):
    transforms.dns(
      optax.sgd(0.1), [('.*', None)], jax.random.key(0), band=(1.1, 0.9)
    )
  tx = transforms.dns(optax.sgd(0.1), [('.*', None)], jax.random.key(0))
  state = tx.init(small_net())
  with pytest.raises(ValueError, match='state, params'):
    tx.update(small_net(), state)
