"""Networks as others write them, of any activation `act`."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

RNG = np.random.default_rng(0)
SEQUENCE = RNG.normal(size=(2, 6, 5))
IMAGES = RNG.normal(size=(2, 8, 8, 3))
EDGES = np.array([[0, 1, 2, 3, 4, 5, 0], [1, 1, 2, 0, 3, 3, 5]])


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


def instance_norm(act, v, x):
  h = conv(x, v['a'])
  h = h - h.mean((1, 2), keepdims=True)
  h = h / jnp.sqrt(h.var((1, 2), keepdims=True) + 1e-5)
  return act(conv(act(h), v['b'])).mean((1, 2)) @ v['c']


def unet(act, v, x):
  fine = act(conv(x, v['a']))
  coarse = act(conv(fine, v['b'], 2))
  up = jax.image.resize(coarse, (*fine.shape[:3], coarse.shape[3]), 'bilinear')
  both = jnp.concatenate([fine, up], -1)
  return conv(act(conv(both, v['c'])), v['d'])


def gated(act, v, x):
  h = act(conv(x, v['a']))
  gate = jax.nn.sigmoid(act(h.mean((1, 2)) @ v['b']) @ v['c'])
  return (h * gate[:, None, None]).mean((1, 2)) @ v['d']


def tied(act, v, x):
  h = act(act(x @ v['a']) @ v['b'])
  return act(h @ v['b'].T) @ v['a'].T


def product_of_leaves(act, v, x):
  scale = jnp.float64(0.5)
  return act(x @ (v['a'] @ v['b'])) @ (v['c'] * scale @ v['d'])


def sorted_in_time(act, v, x):
  h = act(x @ v['a'])
  best, places = lax.top_k(h.swapaxes(1, 2), 2)
  low, with_it = lax.sort((h, 2 * h + 1), dimension=1, num_keys=1)
  mixed = low[:, 0] + with_it[:, 1] + best.mean(-1)
  return mixed @ v['b'] + (best * (places + 1)).sum(-1) @ v['c']


def in_frequencies(act, v, x):
  h = jnp.fft.rfft(act(x @ v['a']), axis=1)
  return jnp.abs(h).sum(1) @ v['b']


def repeated(act, v, x):
  h = act(x @ v['a'])
  none = jnp.tile(h, (1, 0, 2))
  return jnp.concatenate([jnp.tile(h, (1, 2, 2)), none], 1).sum(1) @ v['b']


def blurred(act, v, x):
  h = act(conv(x, v['a']))
  blur = jnp.tile(jnp.ones((3, 3, 1, 1)) / 9, (1, 1, 1, h.shape[-1]))
  h = conv(h, blur, 2, groups=h.shape[-1])
  return act(conv(h, v['b'])).mean((1, 2)) @ v['c']


def chosen_by_a_constant(act, v, x):
  h = act(x @ v['a'])
  return jnp.where(np.arange(6)[:, None] % 2 == 0, h, 0) @ v['b']


def message_passing(act, v, x):
  """Sums and maxima of the neighbours in a graph."""
  source, target = EDGES
  h = act(x[0] @ v['a'])
  h = jax.ops.segment_sum(h[source], target, 6)
  h = act(h @ v['b'])
  h = jnp.zeros_like(h).at[target].max(h[source])
  return h @ v['c']


def filled(act, v, x):
  """Neighbours that are not there are 0."""
  places = np.array([0, 2, 7, 9])
  h = jnp.take(act(x @ v['a']), places, 1, mode='fill', fill_value=0)
  return h.sum(1) @ v['b']


def linear_attention(act, v, x):
  q, k = (act(x @ v[n]) + 1 for n in 'ab')
  context = jnp.einsum('bld,blm->bdm', k, x @ v['c'])
  weights = jnp.einsum('bld,bd->bl', q, k.sum(1))
  return jnp.einsum('bld,bdm->blm', q, context) / weights[..., None] @ v['d']


def heads_of_a_batch(act, v, x):
  """A kernel for each example, which are all the same."""
  kernels = jnp.broadcast_to(v['b'], (len(x), *v['b'].shape))
  return jnp.einsum('blc,bcd->bld', act(x @ v['a']), kernels)


# Variables, an example, and by group its size, and how many of the half that
# goes must stay: with relu, with a sigmoid.
NETWORKS = {
  instance_norm: (
    arrays(a=(3, 3, 3, 12), b=(3, 3, 12, 8), c=(8, 3)),
    IMAGES,
    {'a': (12, 0, 6), 'b': (8, 0, 0)},
  ),
  unet: (
    arrays(a=(3, 3, 3, 8), b=(3, 3, 8, 16), c=(3, 3, 24, 8), d=(1, 1, 8, 2)),
    IMAGES,
    {'a': (8, 0, 4), 'b': (16, 0, 8), 'c': (8, 0, 0)},
  ),
  gated: (
    arrays(a=(3, 3, 3, 12), b=(12, 4), c=(4, 12), d=(12, 3)),
    IMAGES,
    {'a': (12, 0, 0), 'b': (4, 0, 0)},
  ),
  tied: (
    arrays(a=(5, 8), b=(8, 6)),
    SEQUENCE,
    {'a~2': (8, 0, 0), 'b': (6, 0, 0)},
  ),
  product_of_leaves: (
    arrays(a=(5, 4), b=(4, 6), c=(6, 4), d=(4, 3)),
    SEQUENCE,
    {'a': (4, 0, 0), 'b': (6, 0, 3), 'c': (4, 0, 0)},
  ),
  sorted_in_time: (
    arrays(a=(5, 8), b=(8, 3), c=(8, 3)),
    SEQUENCE,
    {'a': (8, 0, 4)},
  ),
  in_frequencies: (arrays(a=(5, 8), b=(8, 3)), SEQUENCE, {'a': (8, 0, 4)}),
  repeated: (arrays(a=(5, 8), b=(16, 3)), SEQUENCE, {'a': (8, 0, 0)}),
  blurred: (
    arrays(a=(3, 3, 3, 8), b=(3, 3, 8, 6), c=(6, 3)),
    IMAGES,
    {'a': (8, 0, 4), 'b': (6, 0, 0)},
  ),
  chosen_by_a_constant: (
    arrays(a=(5, 8), b=(8, 3)),
    SEQUENCE,
    {'a': (8, 0, 4)},
  ),
  message_passing: (
    arrays(a=(5, 8), b=(8, 6), c=(6, 3)),
    SEQUENCE,
    {'a': (8, 0, 4), 'b': (6, 0, 3)},
  ),
  filled: (arrays(a=(5, 8), b=(8, 3)), SEQUENCE, {'a': (8, 0, 4)}),
  linear_attention: (
    arrays(a=(5, 8), b=(5, 8), c=(5, 10), d=(10, 3)),
    SEQUENCE,
    {'a': (8, 4, 4), 'c': (10, 0, 0)},
  ),
  heads_of_a_batch: (
    arrays(a=(5, 8), b=(8, 3)),
    SEQUENCE,
    {'a': (8, 0, 0)},
  ),
}
