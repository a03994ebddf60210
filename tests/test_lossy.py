"""Fewer levels and narrower floats, by hand and against brute force."""

import itertools

import numpy as np
import pytest

from prunax import lossy
from prunax.errors import InputError


def test_levels_are_the_best_there_are():
  rng = np.random.default_rng(0)
  x = np.where(rng.random(9) < 0.3, 0, rng.normal(size=9)).astype(np.float32)
  alive = np.sort(x[x != 0])

  def error(cuts):
    return sum(((p - p.mean()) ** 2).sum() for p in np.split(alive, cuts))

  best = min(
    error(cuts) for cuts in itertools.combinations(range(1, len(alive)), 2)
  )
  found = lossy.leveled({'a': x}, [('.*', 3)])['a']
  assert ((found - x) ** 2).sum() == pytest.approx(best, rel=1e-5)
  assert ((found == 0) == (x == 0)).all()
  assert len(np.unique(found[found != 0])) == 3


def test_leaves_without_a_rule_stay():
  x = np.arange(6.0)
  net = {'a': {'kernel': x}, 'scale': x}
  found = lossy.leveled(net, lossy.level_rules('2'))
  assert len(np.unique(found['a']['kernel'])) == 3
  np.testing.assert_array_equal(found['scale'], x)


def test_rounding_loses_no_weight():
  x = np.float32([1e-9, 70_000.0, 0.1, 0.0])
  found = lossy.rounded({'a': x}, 'float16')['a']
  assert found.tolist() == [x[0], 70_000.0, np.float16(0.1), 0.0]
  whole = np.arange(3)
  assert lossy.rounded({'a': whole}, 'bfloat16')['a'] is whole
  with pytest.raises(InputError, match="float16, bfloat16, got 'int8'"):
    lossy.rounded({'a': x}, 'int8')
