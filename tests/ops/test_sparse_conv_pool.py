"""Convolution and pooling written out, against the product of matrices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from prunax.errors import InputError
from prunax.ops import conv_pool, sparse_conv_pool


def sparse(shape, density=0.2):
  rng = np.random.default_rng(1)
  kernel = rng.normal(size=shape).astype(np.float32)
  return np.where(rng.random(shape) < density, kernel, 0)


@pytest.mark.parametrize(
  'shape', [(5, 5, 1, 6), (3, 3, 4, 5), (5, 3, 2, 3), (1, 1, 3, 2)]
)
def test_as_the_product_of_matrices(shape):
  kernel = sparse(shape)
  kernel[..., 0] = 0
  x = np.random.default_rng(0).normal(size=(shape[2], 12, 8, 7))
  x = jnp.asarray(x, jnp.float32)
  got = jax.jit(lambda x: sparse_conv_pool.sparse_conv_max_pool(x, kernel))(x)
  want = conv_pool.conv_max_pool(conv_pool.split(x, 2), jnp.asarray(kernel))
  np.testing.assert_allclose(got, want.reshape(got.shape), atol=1e-5)
  assert not np.any(got[0])


def test_a_kernel_of_even_sides_leaves_no_half_window():
  x = jnp.arange(36.0).reshape(1, 6, 6, 1)
  kernel = np.zeros((2, 2, 1, 1), np.float32)
  kernel[1, 1] = 1
  got = sparse_conv_pool.sparse_conv_max_pool(x, kernel)
  assert got[0, :, :, 0].tolist() == [[14, 16], [26, 28]]


def test_what_is_not_alive_is_not_in_the_program():
  def products(kernel):
    def f(x):
      return sparse_conv_pool.sparse_conv_max_pool(x, kernel)

    return str(jax.make_jaxpr(f)(jnp.ones((2, 8, 8, 3)))).count(' mul ')

  kernel = sparse((3, 3, 2, 4))
  assert products(kernel) == 4 * np.count_nonzero(kernel)
  assert products(np.zeros_like(kernel)) == 0


def test_many_weights_are_refused():
  with pytest.raises(InputError, match=r'at most 5,000 weights .* got 20,000'):
    sparse_conv_pool.sparse_conv_max_pool(
      jnp.ones((20, 12, 12, 2)), np.ones((5, 5, 20, 40), np.float32)
    )
