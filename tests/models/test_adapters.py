"""Modules of NNX as pure functions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen, nnx

from prunax import tree
from prunax.errors import InputError
from prunax.models import (
  from_linen,
  from_nnx,
  linen_statistics,
  nnx_statistics,
)


class Net(nnx.Module):
  """A list of layers, a batch normalization and a dropout."""

  def __init__(self, rngs):
    self.layers = nnx.List(
      [nnx.Linear(3, 4, rngs=rngs), nnx.Linear(4, 2, rngs=rngs)]
    )
    self.norm = nnx.BatchNorm(4, rngs=rngs)
    self.drop = nnx.Dropout(0.5)

  def __call__(self, x, rngs=None):
    x = self.drop(self.norm(self.layers[0](x)), rngs=rngs)
    return self.layers[1](x)


def variables_of(init):
  variables = init(jax.random.key(0))
  variables['norm']['mean'] = jnp.full(4, 2.0)
  return variables


def test_names_are_strings():
  init, _ = from_nnx(Net)
  assert tree.leaf_names(init(jax.random.key(0)))[:3] == [
    'layers/0/bias',
    'layers/0/kernel',
    'layers/1/bias',
  ]


def test_evaluation_by_hand():
  init, apply = from_nnx(Net)
  v = variables_of(init)
  x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
  first, last = v['layers']['0'], v['layers']['1']
  hidden = (x @ first['kernel'] + first['bias'] - 2.0) / np.sqrt(1.0 + 1e-5)
  want = hidden @ last['kernel'] + last['bias']
  np.testing.assert_allclose(apply(v, x), want, rtol=1e-5, atol=1e-5)


def test_training_drops_and_reads_the_statistics_of_the_batch():
  init, apply = from_nnx(Net)
  v, x = variables_of(init), jnp.arange(15.0).reshape(5, 3)

  def train(variables, key):
    return apply(variables, x, train=True, rngs=key)

  first = train(v, jax.random.key(1))
  np.testing.assert_array_equal(first, train(v, jax.random.key(1)))
  assert not np.array_equal(first, train(v, jax.random.key(2)))
  np.testing.assert_array_equal(
    first, train(v, nnx.Rngs(jax.random.key(1))), strict=True
  )
  v['norm']['mean'] = jnp.zeros(4)
  np.testing.assert_array_equal(first, train(v, jax.random.key(1)))


def test_the_key_decides_the_weights():
  init, _ = from_nnx(Net)
  kernels = [
    init(jax.random.key(seed))['layers']['0']['kernel'] for seed in (0, 0, 1)
  ]
  np.testing.assert_array_equal(kernels[0], kernels[1])
  assert not np.array_equal(kernels[0], kernels[2])


def test_one_trace_and_one_build():
  builds, traces = [], []

  def build(rngs):
    builds.append(1)
    return nnx.Linear(3, 2, rngs=rngs)

  init, apply = from_nnx(build)

  @jax.jit
  def forward(variables, x):
    traces.append(1)
    return apply(variables, x)

  variables = init(jax.random.key(0))
  for scale in range(3):
    forward(jax.tree.map(lambda v, s=scale: v * s, variables), jnp.ones((4, 3)))
  assert len(traces) == 1
  assert len(builds) == 2  # One for the structure and one for the weights.


def test_smaller_arrays_need_no_other_module():
  init, apply = from_nnx(lambda rngs: nnx.Linear(3, 2, rngs=rngs))
  v = init(jax.random.key(0))
  cut = {'kernel': v['kernel'][:2], 'bias': v['bias']}
  x = jnp.array([[1.0, 2.0, 0.0]])
  np.testing.assert_allclose(apply(cut, x[:, :2]), apply(v, x), rtol=1e-6)


def test_random_state_is_refused():
  init, apply = from_nnx(lambda rngs: nnx.Dropout(0.5, rngs=rngs))
  with pytest.raises(InputError, match='keeps random state'):
    init(jax.random.key(0))
  with pytest.raises(InputError, match='keeps random state'):
    apply({}, jnp.ones(3))


def test_statistics_move_the_averages_alone():
  init, apply = from_nnx(Net)
  v, x = variables_of(init), jnp.arange(15.0).reshape(5, 3)
  key = jax.random.key(1)
  logits, after = nnx_statistics(Net)(v, x, key)
  np.testing.assert_array_equal(logits, apply(v, x, train=True, rngs=key))
  first = v['layers']['0']
  hidden = np.asarray(x @ first['kernel'] + first['bias'])
  norm = after.pop('norm')
  old = v.pop('norm')
  jax.tree.map(np.testing.assert_array_equal, after, v)
  mean = 0.99 * 2.0 + 0.01 * hidden.mean(0)
  np.testing.assert_allclose(norm['mean'], mean, rtol=1e-4)
  var = 0.99 + 0.01 * hidden.var(0)
  np.testing.assert_allclose(norm['var'], var, rtol=1e-4)
  np.testing.assert_array_equal(norm['scale'], old['scale'])


class LinenNet(linen.Module):
  """The same network by Linen."""

  @linen.compact
  def __call__(self, x, train=False):
    x = linen.Dense(4)(x)
    x = linen.BatchNorm(use_running_average=not train)(x)
    x = linen.Dropout(0.5, deterministic=not train)(x)
    return linen.Dense(2)(x)


def as_linen(v):
  return {
    'Dense_0': v['layers']['0'],
    'BatchNorm_0': v['norm'],
    'Dense_1': v['layers']['1'],
  }


def test_linen_is_as_good_as_nnx():
  init, apply = from_nnx(Net)
  linen_init, linen_apply = from_linen(LinenNet(), (3,))
  v, x = variables_of(init), jnp.arange(15.0).reshape(5, 3)
  shapes = jax.tree.map(jnp.shape, linen_init(jax.random.key(0)))
  assert shapes == jax.tree.map(jnp.shape, as_linen(v))
  got = linen_apply(as_linen(v), x)
  np.testing.assert_allclose(got, apply(v, x), rtol=1e-5, atol=1e-5)
  key = jax.random.key(1)
  logits, after = linen_statistics(LinenNet())(as_linen(v), x, key)
  np.testing.assert_array_equal(
    logits, linen_apply(as_linen(v), x, train=True, rngs=key)
  )
  assert not np.array_equal(
    logits, linen_apply(as_linen(v), x, train=True, rngs=jax.random.key(2))
  )
  _, want = nnx_statistics(Net)(v, x, key)
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5),
    after,
    as_linen(want),
  )


def test_collections_that_linen_alone_knows_are_refused():
  class Counting(linen.Module):
    @linen.compact
    def __call__(self, x):
      self.variable('cache', 'count', lambda: jnp.zeros(()))
      return linen.Dense(2)(x)

  init, _ = from_linen(Counting(), (3,))
  with pytest.raises(InputError, match='got cache too'):
    init(jax.random.key(0))
