"""Convolution of each channel by itself, against that of JAX."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from prunax.ops.depthwise import depthwise


def reference(x, kernel, stride):
  return lax.conv_general_dilated(
    x,
    kernel,
    (stride, stride),
    'SAME',
    dimension_numbers=('NHWC', 'HWIO', 'NHWC'),
    feature_group_count=x.shape[-1],
  )


@pytest.mark.parametrize('stride', [1, 2, 3])
@pytest.mark.parametrize(
  'n, height, width, window',
  [(3, 8, 8, 3), (4, 7, 5, 3), (1, 2, 1, 3), (5, 9, 9, 5)],
)
def test_it_and_its_gradients_are_those_of_jax(
  n, height, width, window, stride
):
  rng = np.random.default_rng(0)
  with jax.enable_x64(True):
    x = jnp.asarray(rng.normal(size=(n, height, width, 4)))
    kernel = jnp.asarray(rng.normal(size=(window, window, 1, 4)))
    want, back = jax.vjp(lambda *a: reference(*a, stride), x, kernel)
    got, our_back = jax.vjp(lambda *a: depthwise(*a, stride), x, kernel)
    g = jnp.asarray(rng.normal(size=want.shape))
    np.testing.assert_allclose(got, want, atol=1e-12)
    for ours, theirs in zip(our_back(g), back(g), strict=True):
      np.testing.assert_allclose(ours, theirs, atol=1e-11)
