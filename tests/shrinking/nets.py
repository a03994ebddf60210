"""A small network, and how a cut one is compared with the masked one."""

import jax
import numpy as np

X = np.random.default_rng(1).normal(size=(4, 5)).astype(np.float32)


def dense(*shapes, seed=0):
  rng = np.random.default_rng(seed)
  return {
    name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes
  }


def mlp(v, x, act=jax.nn.relu):
  h = act(x @ v['a'] + v['bias'])
  return act(h @ v['b']) @ v['c']


MLP = dense(('a', (5, 8)), ('b', (8, 6)), ('bias', (8,)), ('c', (6, 3)))
WIDE = dense(
  ('a', (5, 200)), ('b', (200, 160)), ('bias', (200,)), ('c', (160, 3))
)


def same(small, apply, variables, *example, **kwargs):
  masked = small.report.plan.mask(variables)
  own = small.apply(small.variables, *example, **kwargs)
  full = apply(masked, *example, **kwargs)
  np.testing.assert_allclose(own, full, rtol=1e-5, atol=1e-5)
