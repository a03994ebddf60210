"""Fewer levels and narrower floats, by hand and against brute force."""

import itertools

import numpy as np
import pytest

from prunax import lossy, tree
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
  found = lossy.leveled(net, lossy.level_rules('2', tree.leaf_names(net)))
  assert len(np.unique(found['a']['kernel'])) == 3
  np.testing.assert_array_equal(found['scale'], x)


def test_rounding_loses_no_weight():
  x = np.float32([1e-9, 70_000.0, 0.1, 0.0])
  found = lossy.rounded({'a': x}, 'float16')['a']
  assert found.tolist() == [x[0], 70_000.0, np.float16(0.1), 0.0]
  whole = np.arange(3)
  assert lossy.rounded({'a': whole}, 'bfloat16')['a'] is whole
  said = "float16, bfloat16, got 'int8': name one"
  with pytest.raises(InputError, match=said):
    lossy.rounded({'a': x}, 'int8')


@pytest.mark.parametrize('dtype', ['<f4', '>f4'])
def test_rounding_in_either_order_of_bytes(dtype):
  x = np.array([0.1, 1 + 2**-20, -3.0], dtype)
  found = lossy.rounded({'a': x}, 'float16')['a']
  assert found.dtype == np.float32
  assert found.tolist() == np.float16(x).tolist() != x.tolist()
  assert lossy.rounded({'a': x.astype('>f8')}, 'float16')['a'].dtype == '>f8'


@pytest.mark.parametrize(
  'values',
  [
    np.array([2**64 - 1, 2**64 - 2, 5, 6], np.uint64),
    np.array([2**53 + 1, 0, 5, 6], np.int64),
    np.array([-(2**63), 0, 5, 6], np.int64),
  ],
)
def test_whole_numbers_that_no_mean_can_hold_are_refused(values):
  with pytest.raises(InputError, match=r"'b/a' must be of whole numbers to 2"):
    lossy.leveled({'b': {'a': values}}, [('.*', 2)])


def test_whole_numbers_up_to_there_are_means():
  for end in (2**53, -(2**53)):
    x = np.array([end, 0, 5, 7], np.int64)
    assert lossy.leveled({'a': x}, [('a', 2)])['a'].tolist() == [end, 0, 6, 6]
  x = np.array([255, 250, 5, 7], np.uint8)
  assert lossy.leveled({'a': x}, [('a', 2)])['a'].tolist() == [252, 252, 6, 6]


def test_numbers_without_order_or_mean_are_refused():
  net = {'a': np.array([1 + 2j, 3 - 4j, 5j]), 'b': np.arange(4.0)}
  with pytest.raises(InputError, match=r"'a' must be real .* complex128"):
    lossy.leveled(net, [('.*', 2)])
  found = lossy.leveled(net, [('a', None), ('.*', 2)])
  np.testing.assert_array_equal(found['a'], net['a'])


@pytest.mark.parametrize(
  ('values', 'wanted'),
  [
    ([-1.0, 0.0, 1.0, 9.0, 9.5], [-1.0, 0.0, -1.0, 9.25, 9.25]),
    (np.int8([-3, 0, 2, 100, 99]), [2, 0, 2, 99, 99]),
  ],
)
def test_what_is_alive_stays_alive(values, wanted):
  found = lossy.leveled({'a': np.asarray(values)}, [('a', 2)])['a']
  assert found.tolist() == wanted


def test_few_values_stay_as_they_are():
  x = np.array([2**64 - 1, 0, 2**63 + 1, 2**63 + 1], np.uint64)
  assert lossy.leveled({'a': x}, [('a', 2)])['a'].tolist() == x.tolist()


def test_the_text_of_rules_has_ascii_digits():
  for text in ('٣', 'a=٣', '9' * 5000, 'a=' + '9' * 5000, '-1', ''):
    with pytest.raises(InputError):
      lossy.level_rules(text, ['kernel'])
  rules = lossy.level_rules('a= 3 ,.*=none', ['a'])
  assert rules == [('a', 3), ('.*', None)]
