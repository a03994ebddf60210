"""FPGM by hand and in loops."""

import numpy as np
import pytest
from jax import lax

from prunax import shrinking
from prunax.errors import InputError
from prunax.shrinking import score

RNG = np.random.default_rng(0)
NET = {
  'a': RNG.normal(size=(3, 3, 2, 6)),
  'bias': RNG.normal(size=6),
  'b': RNG.normal(size=(6, 2)),
}


def apply(v, x):
  h = lax.conv_general_dilated(
    x, v['a'], (1, 1), 'SAME', dimension_numbers=('NHWC', 'HWIO', 'NHWC')
  )
  return (h + v['bias']).mean((1, 2)) @ v['b']


@pytest.fixture(scope='module')
def group():
  return shrinking.channels(apply, NET, np.ones((1, 4, 4, 2)))[0]


def distances(filters):
  """[n] the sums of the distances to the others, pair by pair."""
  found = np.zeros(len(filters))
  for i, a in enumerate(filters):
    for b in filters:
      found[i] += np.sqrt(((a - b) ** 2).sum())
  return found


def test_fpgm_sums_the_distances_of_pairs(group):
  filters = np.moveaxis(NET['a'], -1, 0)
  np.testing.assert_allclose(
    shrinking.fpgm(NET, group), distances(filters), rtol=1e-9
  )
  assert score.checked('fpgm', NET, group).shape == (6,)


def test_the_filter_in_the_middle_goes_first(group):
  # On a line at 0, 1, 2, 3, 4 and 10 the sums are 20, 16, 14, 14, 16, 40.
  line = np.zeros((3, 3, 2, 6))
  line[1, 1, 0] = [10, 0, 4, 2, 1, 3]
  found = shrinking.fpgm({**NET, 'a': line}, group)
  np.testing.assert_allclose(found, [40, 20, 16, 14, 16, 14], atol=1e-6)


def test_mix_takes_the_least_norms_first_and_then_by_distance(group):
  filters = np.moveaxis(NET['a'], -1, 0)
  norms = np.sqrt((filters**2).sum((1, 2, 3)))
  first = np.argsort(norms)[:2]
  rest = np.setdiff1d(np.arange(6), first)
  # The distances are among those that the norm leaves.
  then = rest[np.argsort(distances(filters[rest]))]
  found = np.argsort(shrinking.fpgm_mix(0.4)(NET, group))
  assert found.tolist() == [*first, *then]


def test_mix_of_nothing_by_norm_is_fpgm(group):
  mixed = shrinking.fpgm_mix(0.0)(NET, group)
  own = shrinking.fpgm(NET, group)
  assert np.argsort(mixed).tolist() == np.argsort(own).tolist()


def test_a_part_is_from_0_to_1():
  with pytest.raises(InputError, match='norm_part must be from 0 to 1'):
    shrinking.fpgm_mix(1.5)
