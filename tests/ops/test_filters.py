"""What filters are worth, against loops."""

import jax.numpy as jnp
import numpy as np

from prunax.ops import filters


def kernel():
  return np.random.default_rng(0).normal(size=(3, 2, 4, 5)).astype('f')


def test_norms_are_those_of_the_filters():
  x = kernel()
  want = [np.linalg.norm(x[..., i]) for i in range(5)]
  np.testing.assert_allclose(filters.norms(jnp.asarray(x)), want, rtol=1e-6)


def test_distances_are_summed_over_all_other_filters():
  x = kernel()
  want = [
    sum(np.linalg.norm(x[..., i] - x[..., j]) for j in range(5))
    for i in range(5)
  ]
  np.testing.assert_allclose(filters.distances(jnp.asarray(x)), want, rtol=1e-5)


def test_the_first_of_equals_stays():
  worth = jnp.array([2.0, 1.0, 2.0, 2.0])
  assert filters.best(worth, 2).tolist() == [True, False, True, False]
