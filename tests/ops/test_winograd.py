"""Minimal filtering against plain filtering, and a published case."""

import numpy as np
import pytest

from prunax.ops.winograd import winograd


@pytest.mark.parametrize('r', [2, 3, 4, 5])
def test_two_outputs_of_a_filter(r):
  rng = np.random.default_rng(r)
  k, x = rng.normal(size=r), rng.normal(size=r + 1)
  f = winograd(r)
  got = f.outputs @ ((f.taps @ k) * (f.inputs @ x))
  np.testing.assert_allclose(got, [x[:r] @ k, x[1:] @ k], atol=1e-6)
  assert all(m.dtype == np.float32 for m in f)


def test_the_points_of_lavin_and_gray():
  inputs = [
    [4, 0, -5, 0, 1, 0],
    [0, -4, -4, 1, 1, 0],
    [0, 4, -4, -1, 1, 0],
    [0, -2, -1, 2, 1, 0],
    [0, 2, -1, -2, 1, 0],
    [0, 4, 0, -5, 0, 1],
  ]
  np.testing.assert_array_equal(winograd(5).inputs, inputs)


@pytest.mark.parametrize('r', [1, 6])
def test_other_lengths_are_refused(r):
  with pytest.raises(ValueError, match=f'from 2 to 5, got {r}'):
    winograd(r)
