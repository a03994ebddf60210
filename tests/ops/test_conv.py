"""Convolutions against a loop, against `jax.lax`, and in a scan."""

import re

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen, nnx
from jax import lax

from prunax.ops import conv

LABELS = ('NHWC', 'HWIO', 'NHWC')


def normal(seed, *shape):
  return jnp.asarray(
    np.random.default_rng(seed).normal(size=shape).astype(np.float32)
  )


def test_by_hand():
  x = jnp.arange(9.0).reshape(1, 3, 3, 1)
  kernel = jnp.array([[1.0, 10.0], [100.0, 1000.0]]).reshape(2, 2, 1, 1)
  np.testing.assert_array_equal(
    conv.conv(x, kernel)[0, :, :, 0], [[4310, 5421], [7643, 8754]]
  )


def test_against_a_loop_with_a_stride():
  x, kernel = normal(0, 2, 7, 6, 3), normal(1, 3, 2, 3, 4)
  want = np.zeros((2, 3, 3, 4), np.float32)
  for p in range(3):
    for q in range(3):
      patch = x[:, 2 * p : 2 * p + 3, 2 * q : 2 * q + 2]
      want[:, p, q] = np.einsum('nijc,ijco->no', patch, kernel)
  got = conv.conv(x, kernel, (2, 2))
  np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


CASES = [
  # height, width, kernel, strides, padding, dilation
  (9, 8, (3, 3), (1, 1), 'VALID', (1, 1)),
  (9, 8, (3, 3), (1, 1), 'SAME', (1, 1)),
  (9, 8, (3, 3), (2, 2), 'VALID', (1, 1)),
  (9, 8, (3, 3), (2, 2), 'SAME', (1, 1)),
  (10, 9, (4, 3), (3, 2), ((2, 1), (0, 3)), (1, 1)),
  (9, 9, (3, 2), (2, 2), ((2, 2), (1, 1)), (2, 3)),
  # The window is larger than the image, or than the output.
  (2, 2, (3, 3), (1, 1), 'SAME', (1, 1)),
  (4, 4, (3, 3), (2, 2), 'SAME', (1, 1)),
  (7, 7, (5, 5), (1, 1), 'VALID', (1, 1)),
  (2, 5, (3, 3), (2, 1), ((3, 3), (1, 1)), (2, 1)),
]


@pytest.mark.parametrize('case', CASES)
def test_value_and_gradients_are_those_of_lax(case):
  height, width, window, strides, padding, dilation = case
  x, kernel = normal(0, 3, height, width, 2), normal(1, *window, 2, 4)
  given = {'rhs_dilation': dilation, 'dimension_numbers': LABELS}

  def ours(x, kernel):
    return conv.conv_general_dilated(x, kernel, strides, padding, **given)

  def theirs(x, kernel):
    return lax.conv_general_dilated(x, kernel, strides, padding, **given)

  g = normal(2, *jax.eval_shape(theirs, x, kernel).shape)

  def value_and_gradients(convolve):
    y, pull = jax.vjp(convolve, x, kernel)
    return y, *pull(g)

  got, want = jax.jit(
    lambda: [value_and_gradients(f) for f in (ours, theirs)]
  )()
  chex.assert_trees_all_close(got, want, rtol=1e-5, atol=3e-5)


def in_groups(convolve, x, kernel):
  return convolve(
    x,
    kernel,
    (1, 1),
    'SAME',
    dimension_numbers=LABELS,
    feature_group_count=2,
  )


def test_other_convolutions_are_left_to_lax():
  x, kernel = normal(0, 2, 5, 5, 4), normal(1, 3, 3, 2, 6)
  got = in_groups(conv.conv_general_dilated, x, kernel)
  np.testing.assert_array_equal(
    got, in_groups(lax.conv_general_dilated, x, kernel)
  )
  planes = x.transpose(0, 3, 1, 2)
  np.testing.assert_array_equal(
    conv.conv_general_dilated(planes, normal(2, 6, 4, 3, 3), (1, 1), 'VALID'),
    lax.conv_general_dilated(planes, normal(2, 6, 4, 3, 3), (1, 1), 'VALID'),
  )


def test_it_is_the_convolution_of_flax_layers():
  x = normal(0, 2, 6, 6, 3)

  def layer(**given):
    return nnx.Conv(3, 4, (3, 3), strides=2, rngs=nnx.Rngs(0), **given)

  ours = layer(conv_general_dilated=conv.conv_general_dilated)
  grads = nnx.grad(lambda layer: (layer(x) ** 2).sum())(ours)
  want = nnx.grad(lambda layer: (layer(x) ** 2).sum())(layer())
  np.testing.assert_allclose(
    grads['kernel'][...], want['kernel'][...], rtol=1e-4, atol=1e-4
  )
  module = linen.Conv(4, (3, 3), conv_general_dilated=conv.conv_general_dilated)
  y, variables = module.init_with_output(jax.random.key(0), x)
  np.testing.assert_allclose(
    y, linen.Conv(4, (3, 3)).apply(variables, x), rtol=1e-5, atol=1e-5
  )
  assert 'custom_vjp' in str(jax.make_jaxpr(module.apply)(variables, x))


def arrangements(convolve):
  """The axes of every convolution in a compiled loop of training steps."""
  x = normal(0, 4, 8, 8, 3)

  def loss(first, second):
    y = convolve(x, first, (1, 1), 'SAME', dimension_numbers=LABELS)
    y = convolve(y, second, (2, 2), 'SAME', dimension_numbers=LABELS)
    return (y**2).sum()

  def step(kernels, _):
    grads = jax.grad(loss, (0, 1))(*kernels)
    return jax.tree.map(lambda k, g: k - g, kernels, grads), None

  @jax.jit
  def train(kernels):
    return lax.scan(step, kernels, None, length=2)[0]

  kernels = normal(1, 3, 3, 3, 5), normal(2, 3, 3, 5, 4)
  compiled = train.lower(kernels).compile().as_text()
  return set(re.findall('dim_labels=([a-z0-9_>-]+)', compiled))


def test_every_convolution_in_a_loop_is_in_the_fast_arrangement():
  assert arrangements(conv.conv_general_dilated) == {'b01f_01io->b01f'}
  assert arrangements(lax.conv_general_dilated) != {'b01f_01io->b01f'}
