"""The Taylor score, against the derivative by a gate."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from prunax import shrinking
from prunax.errors import InputError

RNG = np.random.default_rng(0)
NET = {
  'a': {'kernel': RNG.normal(size=(5, 4)), 'bias': RNG.normal(size=4)},
  'bn': {'scale': RNG.normal(size=4), 'bias': RNG.normal(size=4)},
  'batch_stats': {'bn': {'mean': RNG.normal(size=4)}},
  'b': {'kernel': RNG.normal(size=(4, 3))},
}
X = RNG.normal(size=(7, 5))


def apply(v, x):
  h = x @ v['a']['kernel'] + v['a']['bias'] - v['batch_stats']['bn']['mean']
  return jnp.tanh(h * v['bn']['scale'] + v['bn']['bias']) @ v['b']['kernel']


def loss(v):
  return jnp.mean(jnp.square(apply(v, X)))


@pytest.fixture(scope='module')
def case():
  with jax.enable_x64(True):
    group = shrinking.channels(apply, NET, X)[0]
    return group, jax.tree.map(np.asarray, jax.grad(loss)(NET))


def test_is_the_derivative_by_gates(case):
  group, gradients = case
  gates = {'a/kernel': 1, 'a/bias': 1, 'bn/scale': 1, 'bn/bias': 1}

  def gated(gate):
    v = jax.tree.map(jnp.asarray, NET)
    for name in gates:
      layer, leaf = name.split('/')
      v[layer] = {**v[layer], leaf: v[layer][leaf] * gate}
    return loss(v)

  with jax.enable_x64(True):
    slope = np.asarray(jax.grad(gated)(jnp.ones(4)))
  assert set(gates) == {m.leaf for m in group.members if 'mean' not in m.leaf}
  leaves = shrinking.score.named(NET)
  np.testing.assert_allclose(
    shrinking.taylor(gradients)(leaves, group), slope**2, rtol=1e-9
  )
  np.testing.assert_allclose(
    shrinking.taylor(gradients, squared=False)(leaves, group),
    np.abs(slope),
    rtol=1e-9,
  )


def test_gradients_by_name_are_the_same(case):
  group, gradients = case
  leaves = shrinking.score.named(NET)
  by_name = shrinking.score.named(gradients)
  del by_name['batch_stats/bn/mean']
  np.testing.assert_array_equal(
    shrinking.taylor(by_name)(leaves, group),
    shrinking.taylor(gradients)(leaves, group),
  )


def test_a_gradient_that_lacks_is_named(case):
  group, gradients = case
  leaves = shrinking.score.named(NET)
  less = {**gradients, 'bn': {'scale': gradients['bn']['scale']}}
  with pytest.raises(InputError, match="'bn/bias', got None"):
    shrinking.taylor(less)(leaves, group)
  other = {**gradients, 'bn': {'scale': np.ones(4), 'bias': np.ones(3)}}
  with pytest.raises(InputError, match=r"'bn/bias', got \(3,\)"):
    shrinking.taylor(other)(leaves, group)
