"""The mean squared gradient of each example's loss."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from prunax import data, models
from prunax.fisher import fisher_diagonal


@pytest.mark.parametrize('batch', [1, 4, 7, 100])
def test_one_example_at_a_time_gives_the_same(batch):
  rng = np.random.default_rng(0)
  params = {
    'w': jnp.asarray(rng.normal(size=(5, 3)), jnp.float32),
    'b': jnp.zeros(3),
  }
  x = rng.normal(size=(10, 5)).astype(np.float32)
  y = rng.integers(3, size=10)

  def apply(params, x, *, train, rngs=None):
    assert not train
    return x @ params['w'] + params['b']

  got = fisher_diagonal(apply, params, x, y, lambda x: x, batch)
  want_w, want_b = np.zeros((5, 3)), np.zeros(3)
  for one, label in zip(x, y, strict=True):
    odds = np.exp(one @ np.asarray(params['w'], np.float64))
    off = odds / odds.sum() - np.eye(3)[label]
    want_w += np.outer(one, off) ** 2 / 10
    want_b += off**2 / 10
  np.testing.assert_allclose(got['w'], want_w, rtol=1e-4)
  np.testing.assert_allclose(got['b'], want_b, rtol=1e-4)


def test_a_convolutional_net():
  model = models.get('lenet5')
  params = model.init(jax.random.key(0))
  rng = np.random.default_rng(0)
  x = rng.integers(256, size=(3, *model.input_shape)).astype(np.uint8)
  got = fisher_diagonal(model.apply, params, x, np.arange(3), data.scale, 2)

  def loss(params, image, answer):
    logits = model.apply(params, data.scale(image[None]), train=False)
    return -jax.nn.log_softmax(logits[0])[answer]

  gradient = jax.jit(jax.grad(loss))
  squares = [
    jax.tree.map(jnp.square, gradient(params, x[i], i)) for i in range(3)
  ]
  want = jax.tree.map(lambda *parts: sum(parts) / 3, *squares)
  for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
    np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-9)
