"""Convolution with pooling against the two in turn, and its ties."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from prunax.errors import InputError
from prunax.ops import conv_pool


def normal(seed, *shape):
  return jnp.asarray(
    np.random.default_rng(seed).normal(size=shape).astype(np.float32)
  )


def merged(x):
  """The inverse of `split`."""
  c, s, _, h, w, n = x.shape
  return x.transpose(0, 3, 1, 4, 2, 5).reshape(c, h * s, w * s, n)


def in_turn(x, kernel):
  """A convolution by `jax.lax`, then the largest of every four."""
  images = x.transpose(3, 1, 2, 0)
  labels = ('NHWC', 'HWIO', 'NHWC')
  y = lax.conv_general_dilated(
    images, kernel, (1, 1), 'VALID', dimension_numbers=labels
  )
  n, h, w, o = y.shape
  return y.reshape(n, h // 2, 2, w // 2, 2, o).max((2, 4)).transpose(3, 1, 2, 0)


def test_by_hand():
  x = jnp.array([[1.0, 2.0], [3.0, 4.0]]).reshape(1, 2, 2, 1)
  y = conv_pool.conv_max_pool(
    conv_pool.split(x, 2), jnp.array([10.0, -1.0]).reshape(1, 1, 1, 2)
  )
  np.testing.assert_array_equal(y.reshape(2), [40.0, -1.0])


def test_split_moves_every_pixel():
  x = normal(0, 2, 8, 12, 3)
  y = conv_pool.split(x, 4)
  chex.assert_shape(y, (2, 4, 4, 2, 3, 3))
  np.testing.assert_array_equal(y[1, 2, 3, 1, 2, 0], x[1, 4 + 2, 8 + 3, 0])
  np.testing.assert_array_equal(merged(y), x)


CASES = [
  # channels, height, width, kernel, split by
  (1, 12, 8, (5, 5), 4),
  (3, 8, 6, (3, 3), 2),
  (9, 8, 10, (5, 5), 2),
  (8, 8, 12, (5, 5), 4),
  (10, 6, 4, (3, 1), 2),
  (12, 6, 6, (1, 3), 2),
]


@pytest.mark.parametrize('case', CASES)
def test_value_and_gradients_are_those_of_the_two_in_turn(case):
  c, height, width, sides, s = case
  x, kernel = normal(0, c, height, width, 6), normal(1, *sides, c, 7)

  def ours(x, kernel):
    return merged(conv_pool.conv_max_pool(conv_pool.split(x, s), kernel))

  g = normal(2, *jax.eval_shape(in_turn, x, kernel).shape)

  def value_and_gradients(function):
    y, pull = jax.vjp(function, x, kernel)
    return y, *pull(g)

  got, want = jax.jit(
    lambda: [value_and_gradients(f) for f in (ours, in_turn)]
  )()
  chex.assert_trees_all_close(got, want, rtol=1e-5, atol=1e-4)


def test_error_at_the_size_of_lenet_5():
  x, kernel = normal(0, 20, 12, 12, 64), normal(1, 5, 5, 20, 50) / 500**0.5
  y = jax.jit(conv_pool.conv_max_pool)(conv_pool.split(x, 2), kernel)
  np.testing.assert_allclose(merged(y), in_turn(x, kernel), atol=1e-5)


def test_the_way_of_other_devices_agrees():
  x, kernel = normal(0, 9, 4, 4, 3, 4, 5), normal(1, 5, 5, 9, 3)

  @jax.jit
  def both(x, kernel):
    phases = conv_pool._phases(x, kernel)
    return [
      (phases, conv_pool._gradients(x, kernel, phases)),
      (
        conv_pool._plain_phases(x, kernel),
        conv_pool._plain_gradients(x, kernel, phases),
      ),
    ]

  got, want = both(x, kernel)
  chex.assert_trees_all_close(got, want, rtol=1e-5, atol=3e-3)


def test_of_equal_windows_the_first_gets_the_gradient():
  def total(x):
    y = conv_pool.conv_max_pool(conv_pool.split(x, 2), jnp.ones((1, 1, 1, 1)))
    return y.sum()

  x = jnp.array([[5.0, 5.0, 0.0, 7.0], [5.0, 1.0, 7.0, 7.0]])
  grad = jax.jit(jax.grad(total))(x.reshape(1, 2, 4, 1))
  np.testing.assert_array_equal(
    grad.reshape(2, 4), [[1.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0]]
  )


def test_candidates_by_vmap():
  x, kernels = normal(0, 2, 2, 2, 3, 3, 4), normal(1, 3, 3, 3, 2, 5)
  got = jax.vmap(conv_pool.conv_max_pool, (None, 0))(x, kernels)
  want = [conv_pool.conv_max_pool(x, kernel) for kernel in kernels]
  np.testing.assert_allclose(got, jnp.stack(want), atol=1e-5)


@pytest.mark.parametrize(('side', 's'), [(2, 2), (3, 4), (1, 3)])
def test_sides_that_do_not_fit_are_refused(side, s):
  x, kernel = jnp.ones((1, s, s, 3, 3, 1)), jnp.ones((side, side, 1, 1))
  with pytest.raises(InputError, match=f'got {side} x {side} and {s}:'):
    conv_pool.conv_max_pool(x, kernel)
