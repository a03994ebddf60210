"""Models of Linen, Haiku, Equinox and NNX, written the usual way."""

import equinox as eqx
import flax.linen as nn
import haiku as hk
import jax
import numpy as np
import pytest
from flax import nnx

import prunax
from prunax import tree


class Residual(nn.Module):
  """A CNN with all that its users use: norms, shortcuts, dropout."""

  @nn.compact
  def __call__(self, x, train=False):
    x = nn.relu(nn.Conv(8, (3, 3))(x))
    for width, stride in ((8, 1), (12, 2)):
      y = nn.Conv(width, (3, 3), strides=stride, use_bias=False)(x)
      y = nn.silu(nn.BatchNorm(use_running_average=not train)(y))
      y = nn.Conv(width, (3, 3), feature_group_count=1)(y)
      x = nn.Conv(width, (1, 1), strides=stride)(x)
      x = nn.relu(x + nn.BatchNorm(use_running_average=not train)(y))
    x = nn.Conv(12, (3, 3), feature_group_count=12)(x)
    x = nn.GroupNorm(4)(nn.max_pool(x, (2, 2), (2, 2)))
    x = nn.Dense(16)(x.reshape(len(x), -1))
    x = nn.Dropout(0.5, deterministic=not train)(nn.gelu(x))
    return nn.Dense(3)(x)


class ViT(nn.Module):
  """Patches, two blocks of attention and MLP, an average."""

  @nn.compact
  def __call__(self, x):
    x = nn.Conv(12, (4, 4), strides=4)(x)
    x = x.reshape(len(x), -1, 12)
    x = x + self.param('pos', nn.initializers.normal(), (1, x.shape[1], 12))
    for _ in range(2):
      y = nn.LayerNorm()(x)
      x = x + nn.MultiHeadDotProductAttention(4)(y, y)
      y = nn.Dense(24)(nn.LayerNorm()(x))
      x = x + nn.Dense(12)(nn.gelu(y))
    return nn.Dense(3)(nn.LayerNorm()(x).mean(1))


def haiku_net(x, training=False):
  x = hk.Conv2D(8, 3)(x)
  x = jax.nn.relu(hk.BatchNorm(True, True, 0.9)(x, is_training=training))
  x = hk.Conv2D(6, 3)(x)
  return hk.Linear(3)(jax.nn.relu(x).mean((1, 2)))


IMAGES = np.random.default_rng(0).normal(size=(2, 8, 8, 3))


def shaken(variables):
  """Other numbers, so that no norm or bias is 0 or 1."""
  rng = np.random.default_rng(1)
  return jax.tree.map(
    lambda x: (
      np.asarray(x, np.float64) + 0.1 * np.abs(rng.normal(size=np.shape(x)))
    ),
    variables,
  )


def halved(apply, variables, *example, **settings):
  """Cuts half of the FLOPs, and holds the outputs to the masked model's."""
  small = prunax.shrink(apply, variables, *example, density=0.5, **settings)
  left = small.report.after['flops'] / small.report.before['flops']
  assert left <= 0.5 and not small.report.stayed
  masked = small.report.plan.mask(variables)
  full = jax.jit(apply)(masked, *example)
  own = jax.jit(small.apply)(small.variables, *example)
  for a, b in zip(jax.tree.leaves(full), jax.tree.leaves(own), strict=True):
    if np.shape(a) == np.shape(b):
      np.testing.assert_allclose(a, b, rtol=0, atol=1e-10)
  return small, masked


@pytest.fixture(autouse=True)
def _double():
  with jax.enable_x64(True):
    yield


def test_linen():
  net = Residual()
  variables = shaken(net.init(jax.random.key(0), IMAGES))
  small, _ = halved(net.apply, variables, IMAGES)
  shapes = jax.tree.map(np.shape, small.variables)
  first = shapes['params']['Conv_0']['kernel'][-1]
  assert shapes['params']['Conv_0']['bias'] == (first,)


def test_linen_while_it_trains():
  net = Residual()
  variables = shaken(net.init(jax.random.key(0), IMAGES))

  def apply(variables, x):
    return net.apply(
      variables,
      x,
      train=True,
      rngs={'dropout': jax.random.key(1)},
      mutable=['batch_stats'],
    )

  small, masked = halved(apply, variables, IMAGES)
  _, statistics = small.apply(small.variables, IMAGES)
  _, full = apply(masked, IMAGES)
  cut = small.report.plan.cut({**variables, **full})['batch_stats']
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, atol=1e-10),
    statistics['batch_stats'],
    cut,
  )


def test_attention_loses_heads_and_widths_and_no_residual():
  net = ViT()
  variables = shaken(net.init(jax.random.key(0), IMAGES))
  groups = prunax.channels(net.apply, variables, IMAGES)
  prunable = {m.leaf for g in groups if g.prunable for m in g.members}
  assert 'params/Dense_0/bias' in prunable
  assert 'params/LayerNorm_0/scale' not in prunable
  heads = next(
    g
    for g in groups
    if any('out/kernel' in m.leaf and m.axis == 0 for m in g.consumers)
  )
  assert heads.size == 4 and heads.prunable
  keep = {heads.id: np.array([True, False, False, True])}
  small = prunax.shrink(net.apply, variables, IMAGES, keep=keep)
  attention = small.variables['params']['MultiHeadDotProductAttention_0']
  assert attention['query']['kernel'].shape == (12, 2, 3)
  assert attention['out']['kernel'].shape == (2, 3, 12)
  halved(net.apply, variables, IMAGES)


def test_haiku():
  net = hk.without_apply_rng(hk.transform_with_state(haiku_net))
  params, state = net.init(jax.random.key(0), IMAGES, training=True)
  variables = {'params': shaken(params), 'state': shaken(state)}

  def apply(variables, x):
    return net.apply(variables['params'], variables['state'], x)[0]

  halved(apply, variables, IMAGES)


def test_equinox():
  keys = jax.random.split(jax.random.key(0), 3)
  net = eqx.nn.Sequential(
    [
      eqx.nn.Conv2d(3, 8, 3, key=keys[0]),
      eqx.nn.Lambda(jax.nn.relu),
      eqx.nn.Conv2d(8, 6, 3, key=keys[1]),
      eqx.nn.Lambda(lambda x: jax.nn.tanh(x).mean((1, 2))),
      eqx.nn.Linear(6, 3, key=keys[2]),
    ]
  )
  arrays, static = eqx.partition(net, eqx.is_array)

  def apply(arrays, x):
    return jax.vmap(eqx.combine(arrays, static))(x)

  images = IMAGES.transpose(0, 3, 1, 2)
  small, _ = halved(apply, shaken(arrays), images)
  # The arrays are still an Equinox module.
  assert isinstance(small.variables, eqx.nn.Sequential)
  assert small.variables.layers[0].weight.shape[0] < 8


def test_nnx():
  class Net(nnx.Module):
    def __init__(self, rngs):
      self.conv = nnx.Conv(3, 8, (3, 3), rngs=rngs)
      self.norm = nnx.BatchNorm(8, use_running_average=True, rngs=rngs)
      self.depth = nnx.Conv(8, 8, (3, 3), feature_group_count=8, rngs=rngs)
      self.out = nnx.Linear(8, 3, rngs=rngs)

    def __call__(self, x):
      x = jax.nn.relu(self.norm(self.conv(x)))
      return self.out(self.depth(x).mean((1, 2)))

  graph, state = nnx.split(Net(nnx.Rngs(0)))
  variables = shaken(nnx.to_pure_dict(state))

  def apply(variables, x):
    return nnx.merge(graph, variables)(x)

  small, _ = halved(apply, variables, IMAGES)
  kept = small.variables['conv']['kernel'].shape[-1]
  assert small.variables['depth']['kernel'].shape == (3, 3, 1, kept)
  assert tree.leaf_names(small.variables) == tree.leaf_names(variables)
