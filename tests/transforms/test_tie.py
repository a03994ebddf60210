"""Tied weights move as one, under any optimizer and for any number of steps."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import prunax
from prunax.errors import InputError
from prunax.transforms.caffe import caffe_sgd

RULES = [('.*/kernel', 64), ('.*', None)]


def shared(shape=(37, 13), levels=5, dtype='float32'):
  """A kernel of few levels and zeros, in sizes that fill no vector, a bias."""
  rng = np.random.default_rng(0)
  codebook = np.append(rng.normal(size=levels), 0.0)
  kernel = codebook[rng.integers(levels + 1, size=shape)]
  bias = rng.normal(size=shape[-1])
  return {
    'ip': {
      'kernel': jnp.asarray(kernel, dtype),
      'bias': jnp.asarray(bias, 'float32'),
    }
  }


def gradients(params, step):
  keys = jax.random.split(jax.random.key(step), 2)
  leaves, structure = jax.tree.flatten(params)
  return jax.tree.unflatten(
    structure,
    [
      jax.random.normal(key, x.shape, x.dtype)
      for key, x in zip(keys, leaves, strict=True)
    ],
  )


def trained(tx, params, steps):
  state = jax.jit(tx.init)(params)

  @jax.jit
  def step(params, state, t):
    updates, state = tx.update(gradients(params, t), state, params)
    return optax.apply_updates(params, updates), state

  for t in range(steps):
    params, state = step(params, state, t)
  return params


OPTIMIZERS = {
  'caffe_sgd': lambda: caffe_sgd(1e-3, momentum=0.9, weight_decay=5e-4),
  'adamw': lambda: optax.adamw(1e-3, weight_decay=0.01),
  'lion': lambda: optax.lion(1e-3),
  'clipped': lambda: optax.chain(
    optax.clip_by_global_norm(1.0), optax.sgd(0.1, momentum=0.9)
  ),
  'rmsprop': lambda: optax.rmsprop(1e-3),
}


CASES = [
  *((name, False, 'float32') for name in OPTIMIZERS),
  ('caffe_sgd', True, 'float32'),
  ('clipped', False, 'bfloat16'),
]


@pytest.mark.parametrize(('optimizer', 'average', 'dtype'), CASES)
def test_members_stay_equal_to_the_bit(optimizer, average, dtype):
  params = shared(dtype=dtype)
  tx = optax.chain(prunax.tie(RULES, average=average), OPTIMIZERS[optimizer]())
  after = np.asarray(trained(tx, params, 200)['ip']['kernel'].astype('float32'))
  before = np.asarray(params['ip']['kernel'].astype('float32'))
  for level in np.unique(before):
    bits = after[before == level].view(np.uint32)
    assert len(bits) > 50
    assert np.all(bits == bits[0])
    assert (bits[0] == 0) == (level == 0)
  assert not np.any((after == before) & (before != 0))
  assert len(np.unique(after)) <= len(np.unique(before))


def test_a_cluster_gets_the_sum_or_the_mean():
  w = jnp.array([[1.0, 0.0, 2.0], [2.0, 1.0, 2.0]])
  g = jnp.array([[1.0, 5.0, 10.0], [20.0, 2.0, 30.0]])
  for average, want in (
    (False, [[3.0, 0.0, 60.0], [60.0, 3.0, 60.0]]),
    (True, [[1.5, 0.0, 20.0], [20.0, 1.5, 20.0]]),
  ):
    tx = prunax.tie([('.*', 2)], average=average)
    got, _ = tx.update({'w': g}, tx.init({'w': w}))
    assert got['w'].tolist() == want


def test_the_sum_is_the_gradient_of_the_level():
  # Of a loss in the codebook, by the chain rule.
  labels = jnp.asarray(np.random.default_rng(0).integers(4, size=(20, 3)))
  codebook = jnp.array([-1.5, -0.5, 0.5, 1.5])

  def loss(w):
    return jnp.sum(jnp.sin(w) * jnp.arange(60.0).reshape(20, 3))

  w = codebook[labels]
  tx = prunax.tie([('.*', 4)])
  got, _ = tx.update({'w': jax.grad(loss)(w)}, tx.init({'w': w}))
  want = jax.grad(lambda c: loss(c[labels]))(codebook)[labels]
  np.testing.assert_allclose(got['w'], want, rtol=1e-5)


def test_free_leaves_keep_their_gradients():
  params = shared()
  tx = prunax.tie(RULES)
  grads = gradients(params, 0)
  got, _ = tx.update(grads, tx.init(params), params)
  assert np.array_equal(got['ip']['bias'], grads['ip']['bias'])
  assert not np.array_equal(got['ip']['kernel'], grads['ip']['kernel'])


def test_equal_weights_of_two_leaves_are_not_tied():
  params = {'a': jnp.ones(2), 'b': jnp.ones(2)}
  tx = prunax.tie([('.*', 1)])
  grads = {'a': jnp.array([1.0, 2.0]), 'b': jnp.array([3.0, 4.0])}
  got, _ = tx.update(grads, tx.init(params))
  assert got['a'].tolist() == [3.0, 3.0]
  assert got['b'].tolist() == [7.0, 7.0]


def test_labels_are_ranks_and_a_zero_of_either_sign_is_0():
  tx = prunax.tie([('.*', 3)])
  w = {'w': np.float32([0.5, -0.0, -2.0, 0.0, 7.0, 0.5])}
  want = [2, 0, 1, 0, 3, 2]
  assert tx.init(w).labels['w'].tolist() == want
  assert jax.jit(tx.init)(w).labels['w'].tolist() == want


def test_too_many_clusters_are_refused():
  params = shared(levels=6)
  with pytest.raises(InputError, match=r'at most 5 .* got 6 .*ip/kernel'):
    prunax.tie([('.*/kernel', 5), ('.*', None)]).init(params)


def test_too_many_clusters_under_jit_are_not_hidden():
  params = shared(levels=6)
  tx = prunax.tie([('.*/kernel', 5), ('.*', None)])
  state = jax.jit(tx.init)(params)
  got, _ = tx.update(gradients(params, 0), state)
  assert np.isnan(got['ip']['kernel']).any()
  assert np.isfinite(got['ip']['bias']).all()


@pytest.mark.parametrize('value', [0, -1, 2.5, True, 'all'])
def test_a_number_of_clusters_must_be_whole(value):
  with pytest.raises(InputError, match='clusters of the rule'):
    prunax.tie([('.*', value)])


def test_a_leaf_of_zeros_alone_has_no_gradient():
  params = {'w': np.zeros((3, 2), np.float32)}
  tx = prunax.tie([('.*', 4)])
  got, _ = tx.update({'w': jnp.ones((3, 2))}, tx.init(params))
  assert not got['w'].any()


def test_an_empty_leaf_has_no_clusters():
  params = {'a': jnp.zeros((0, 3)), 'b': jnp.ones(2)}
  tx = prunax.tie([('.*', 4)])
  got, _ = jax.jit(tx.update)(params, tx.init(params))
  assert got['a'].shape == (0, 3) and got['b'].tolist() == [2.0, 2.0]


def test_memory_is_that_of_the_leaf():
  params = {'w': jnp.array([1.0, 1.0, 2.0])}
  tx = prunax.tie([('.*', 10**12)])
  got, _ = tx.update(params, tx.init(params))
  assert got['w'].tolist() == [2.0, 2.0, 2.0]


@pytest.mark.parametrize('value', [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused(value):
  with pytest.raises(InputError, match=r"tie must get finite .* leaf 'w'"):
    prunax.tie([('.*', 4)]).init({'w': jnp.array([1.0, value])})


def test_average_is_a_truth():
  with pytest.raises(InputError, match=r"average must be True .* got 'no'"):
    prunax.tie([('.*', 4)], average='no')


@pytest.mark.parametrize('rules', [4, {'.*': 4}, [('.*', 4, 1)], ['.*'], [4]])
def test_rules_that_are_none(rules):
  with pytest.raises(InputError, match=r'must be (a pair|pairs) of a pattern'):
    prunax.tie(rules)
