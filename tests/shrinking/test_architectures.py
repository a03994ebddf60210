"""Networks as others write them: what goes and what stays."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import prunax
from prunax.errors import InputError

RNG = np.random.default_rng(0)
SEQUENCE = RNG.normal(size=(2, 6, 5))
IMAGES = RNG.normal(size=(2, 8, 8, 3))


def arrays(**shapes):
  return {
    name: RNG.normal(size=shape) / np.sqrt(np.prod(shape[:-1]))
    for name, shape in shapes.items()
  }


def conv(x, kernel, stride=1, groups=1):
  return lax.conv_general_dilated(
    x,
    kernel,
    (stride, stride),
    'SAME',
    dimension_numbers=('NHWC', 'HWIO', 'NHWC'),
    feature_group_count=groups,
  )


def instance_norm(v, x):
  h = conv(x, v['a'])
  h = h - h.mean((1, 2), keepdims=True)
  h = h / jnp.sqrt(h.var((1, 2), keepdims=True) + 1e-5)
  return jax.nn.relu(conv(jax.nn.relu(h), v['b'])).mean((1, 2)) @ v['c']


def unet(v, x):
  fine = jax.nn.relu(conv(x, v['a']))
  coarse = jax.nn.relu(conv(fine, v['b'], 2))
  up = jax.image.resize(coarse, (*fine.shape[:3], coarse.shape[3]), 'bilinear')
  both = jnp.concatenate([fine, up], -1)
  return conv(jax.nn.relu(conv(both, v['c'])), v['d'])


def gated(v, x):
  h = jax.nn.silu(conv(x, v['a']))
  gate = jax.nn.sigmoid(jax.nn.relu(h.mean((1, 2)) @ v['b']) @ v['c'])
  return (h * gate[:, None, None]).mean((1, 2)) @ v['d']


def tied(v, x):
  h = jax.nn.relu(jax.nn.relu(x @ v['a']) @ v['b'])
  return jax.nn.relu(h @ v['b'].T) @ v['a'].T


def product_of_leaves(v, x):
  return jax.nn.relu(x @ (v['a'] @ v['b'])) @ v['c']


def sorted_in_time(v, x):
  h = jax.nn.relu(x @ v['a'])
  best = lax.top_k(h.swapaxes(1, 2), 2)[0].mean(-1)
  return jnp.sort(h, 1)[:, 0] @ v['b'] + best @ v['c']


def in_frequencies(v, x):
  h = jnp.fft.rfft(jax.nn.relu(x @ v['a']), axis=1)
  return jnp.abs(h).sum(1) @ v['b']


def repeated(v, x):
  h = jnp.tile(jax.nn.relu(x @ v['a']), (1, 1, 2))
  return h @ v['b']


def blurred(v, x):
  h = jax.nn.relu(conv(x, v['a']))
  blur = jnp.tile(jnp.ones((3, 3, 1, 1)) / 9, (1, 1, 1, h.shape[-1]))
  h = conv(h, blur, 2, groups=h.shape[-1])
  return jax.nn.relu(conv(h, v['b'])).mean((1, 2)) @ v['c']


def message_passing(v, x):
  """Sums and maxima of the neighbours in a graph."""
  source, target = np.array([[0, 1, 2, 3, 4, 5, 0], [1, 1, 2, 0, 3, 3, 5]])
  h = jax.nn.relu(x[0] @ v['a'])
  h = jax.ops.segment_sum(h[source], target, 6)
  h = jax.nn.relu(h @ v['b'])
  return jax.ops.segment_max(h[source], target, 6).clip(0) @ v['c']


def linear_attention(v, x):
  q, k = (jax.nn.elu(x @ v[n]) + 1 for n in 'ab')
  context = jnp.einsum('bld,blm->bdm', k, x @ v['c'])
  weights = jnp.einsum('bld,bd->bl', q, k.sum(1))
  return jnp.einsum('bld,bdm->blm', q, context) / weights[..., None] @ v['d']


SQUARE = {'a': (5, 8), 'b': (8, 3), 'c': (8, 3)}
NETWORKS = {
  instance_norm: (
    arrays(a=(3, 3, 3, 12), b=(3, 3, 12, 8), c=(8, 3)),
    IMAGES,
    {'a': 12, 'b': 8},
  ),
  unet: (
    arrays(a=(3, 3, 3, 8), b=(3, 3, 8, 16), c=(3, 3, 24, 8), d=(1, 1, 8, 2)),
    IMAGES,
    {'a': 8, 'b': 16, 'c': 8},
  ),
  gated: (
    arrays(a=(3, 3, 3, 12), b=(12, 4), c=(4, 12), d=(12, 3)),
    IMAGES,
    {'a': 12, 'b': 4},
  ),
  tied: (arrays(a=(5, 8), b=(8, 6)), SEQUENCE, {'a~2': 8, 'b': 6}),
  product_of_leaves: (
    arrays(a=(5, 4), b=(4, 6), c=(6, 3)),
    SEQUENCE,
    {'a~2': 4, 'b': 6},
  ),
  sorted_in_time: (arrays(**SQUARE), SEQUENCE, {'a': 8}),
  in_frequencies: (arrays(a=(5, 8), b=(8, 3)), SEQUENCE, {'a': 8}),
  repeated: (arrays(a=(5, 8), b=(16, 3)), SEQUENCE, {'a': 8}),
  blurred: (
    arrays(a=(3, 3, 3, 8), b=(3, 3, 8, 6), c=(6, 3)),
    IMAGES,
    {'a': 8, 'b': 6},
  ),
  message_passing: (
    arrays(a=(5, 8), b=(8, 6), c=(6, 3)),
    SEQUENCE,
    {'a': 8, 'b': 6},
  ),
  # What is constant meets what is not: the channels of keys stay.
  linear_attention: (
    arrays(a=(5, 8), b=(5, 8), c=(5, 10), d=(10, 3)),
    SEQUENCE,
    {'a': 8, 'c': 10},
  ),
}


@pytest.mark.parametrize('apply', NETWORKS, ids=lambda f: f.__name__)
def test_half_of_it_answers_as_the_masked_one(apply):
  variables, x, sizes = NETWORKS[apply]
  with jax.enable_x64(True):
    found = prunax.channels(apply, variables, x)
    assert {g.id: g.size for g in found if g.prunable} == sizes
    small = prunax.shrink(apply, variables, x, density=0.6, budget='params')
    masked = small.report.plan.mask(variables)
    stayed = {'a'} if apply is linear_attention else set()
    assert set(small.report.stayed) == stayed

    def gradient(run, v):
      return jax.grad(lambda v: jnp.sin(run(v, x)).sum())(v)

    apart = small.apply(small.variables, x) - apply(masked, x)
    assert np.abs(apart).max() <= 1e-10
    jax.tree.map(
      lambda a, b: np.testing.assert_allclose(a, b, atol=1e-10),
      gradient(small.apply, small.variables),
      small.report.plan.cut(gradient(apply, masked)),
    )


def weight_norm(v, x):
  kernel = v['a'] / jnp.linalg.norm(v['a'], axis=0) * v['scale']
  return jax.nn.relu(x @ kernel) @ v['b']


def test_a_channel_that_would_be_nan_stays():
  variables = arrays(a=(5, 8), b=(8, 3)) | {'scale': np.ones(8)}
  with pytest.raises(InputError, match='must stay whole'):
    prunax.shrink(weight_norm, variables, SEQUENCE, density=0.5)


@pytest.mark.parametrize(
  'mixed, why',
  [
    (lambda h: jnp.sort(h, -1), 'it is sorted'),
    (lambda h: lax.top_k(h, 4)[0], 'it is sorted'),
    (lambda h: jnp.fft.rfft(h).real, 'it is transformed'),
    (lambda h: jnp.cumsum(h, -1), 'cumsum runs along it'),
    (lambda h: h / h.sum(-1, keepdims=True), 'reduce_sum reduces it'),
  ],
)
def test_what_mixes_channels_keeps_them_whole(mixed, why):
  def apply(v, x):
    return mixed(jax.nn.relu(x @ v['a']))

  (group,) = prunax.channels(apply, arrays(a=(5, 8)), SEQUENCE)
  assert not group.prunable and group.why == why
