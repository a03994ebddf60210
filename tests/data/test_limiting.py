import itertools

import numpy as np
import pytest

from prunax.data import Dataset, Split, limit, split_validation
from prunax.errors import InputError


def _dataset(labels):
  y = np.array(labels, np.int32)
  x = np.arange(len(y), dtype=np.float32)[:, None]
  return Dataset('rows', Split(x, y), Split(x[:1], y[:1]), int(y.max()) + 1)


_MIXED = _dataset(np.random.default_rng(0).integers(0, 5, 200))


def _rows(dataset):
  return dataset.train.x[:, 0].astype(int).tolist()


@pytest.mark.parametrize('count', [1, 5, 7, 50, 100])
def test_classes_are_as_even_as_can_be(count):
  got = limit(_MIXED, count, seed=3)
  assert len(got.train.y) == count
  counts = np.bincount(got.train.y, minlength=5)
  assert counts.max() - counts.min() <= 1
  rows = _rows(got)
  assert rows == sorted(set(rows))
  np.testing.assert_array_equal(got.train.y, _MIXED.train.y[rows])
  assert got.test is _MIXED.test and got.classes == 5


def test_a_smaller_choice_lies_in_a_larger_one():
  chosen = [set(_rows(limit(_MIXED, n, seed=3))) for n in range(1, 201)]
  assert all(a < b for a, b in itertools.pairwise(chosen))
  assert chosen[-1] == set(range(200))


def test_a_class_that_has_too_few_gives_all():
  rare = _dataset([0] * 10 + [1, 2, 2])
  got = limit(rare, 9, seed=0).train.y
  assert np.bincount(got).tolist() == [6, 1, 2]


def test_the_seed_decides_and_the_whole_set_is_drawn_from():
  one, again, other = (_rows(limit(_MIXED, 50, s)) for s in (3, 3, 4))
  assert one == again != other
  assert one[0] < 50 and one[-1] >= 150


def test_no_limit():
  assert limit(_MIXED, 0, seed=0) is _MIXED


def test_another_draw_than_the_hold_out():
  _, held = split_validation(_MIXED, 50, seed=3)
  assert set(held.x[:, 0].astype(int)) != set(_rows(limit(_MIXED, 50, seed=3)))


@pytest.mark.parametrize('count', [-1, 201])
def test_what_is_no_limit(count):
  with pytest.raises(InputError, match=f'0 to 200, .* got {count}'):
    limit(_MIXED, count, seed=0)
  with pytest.raises(InputError, match='seed must not be negative'):
    limit(_MIXED, 10, seed=-1)
