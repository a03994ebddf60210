"""Few levels for one array by every method, and arrays that have none."""

import jax
import numpy as np
import pytest

from prunax.errors import InputError
from prunax.ops.snapping import METHODS, snapped


def test_snapping_by_each_method():
  w = np.random.default_rng(0).normal(size=(40, 30)).astype(np.float32)
  w[np.abs(w) < 0.5] = 0
  exact = snapped(w, 6)
  for method in ('linear', 'density'):
    found = snapped(w, 6, method)
    assert np.array_equal(found == 0, w == 0)
    assert 2 < len(np.unique(found)) <= 7
    assert np.sum((exact - w) ** 2) <= np.sum((found - w) ** 2)
  assert len(np.unique(exact)) == 7
  felt = np.where(w > 0, 1.0, 1e-9)
  # What hardly matters takes no level of its own.
  assert snapped(w, 6, felt=felt).min() == 0 > exact.min()
  assert np.array_equal(snapped(w, 6, felt=np.zeros_like(w)), exact)
  assert not snapped(np.zeros((2, 2)), 6).any()
  for method in ('exact', 'linear'):
    one = snapped(np.array([-1.0, 0.0, 1.0]), 1, method)
    assert one.tolist() == [-1.0, 0.0, -1.0]


@pytest.mark.parametrize('method', METHODS)
@pytest.mark.parametrize('bad', [np.nan, np.inf, 1j])
def test_what_has_no_order_or_mean_is_refused(method, bad):
  x = np.array([1.0, bad, 3.0, 0.0])
  with pytest.raises(
    InputError, match=r"^the leaf 'a/b' must be (real|finite)"
  ):
    snapped(x, 2, method, jax.random.key(0), leaf='a/b')


def test_few_whole_numbers_of_any_size_stay():
  x = np.array([2**64 - 1, 0, 2**63 + 1, 2**63 + 1], np.uint64)
  assert snapped(x, 2).tolist() == x.tolist()
  with pytest.raises(InputError, match='whole numbers to 2'):
    snapped(x, 1)
