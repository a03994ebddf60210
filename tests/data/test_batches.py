import numpy as np
import pytest

from prunax.data import (
  Dataset,
  Split,
  batch_indices,
  split_constraint,
  split_validation,
)
from prunax.errors import InputError


def test_sequential_by_hand():
  got = batch_indices('sequential', size=5, batch=3, start=0, steps=4, seed=9)
  assert got.dtype == np.int32
  assert got.tolist() == [[0, 1, 2], [3, 4, 0], [1, 2, 3], [4, 0, 1]]


def test_shuffle_is_one_permutation_an_epoch():
  size, batch, seed = 7, 3, 5
  walk = [
    row
    for epoch in range(4)
    for row in np.random.default_rng([seed, epoch]).permutation(size)
  ]
  got = batch_indices('shuffle', size, batch, start=0, steps=9, seed=seed)
  assert got.shape == (9, 3) and got.dtype == np.int32
  assert got.ravel().tolist() == walk[:27]


@pytest.mark.parametrize('order', ['sequential', 'shuffle'])
@pytest.mark.parametrize('size, batch', [(7, 3), (6, 3), (4, 4), (5, 1)])
def test_a_resumed_run_sees_the_same_rows(order, size, batch):
  whole = batch_indices(order, size, batch, start=0, steps=12, seed=1)
  for start in range(12):
    for steps in range(12 - start):
      part = batch_indices(order, size, batch, start, steps, seed=1)
      np.testing.assert_array_equal(part, whole[start : start + steps])


def test_every_epoch_sees_every_row_in_another_order():
  rows = batch_indices('shuffle', 50, 10, start=0, steps=15, seed=3)
  epochs = rows.reshape(3, 50)
  for epoch in epochs:
    assert sorted(epoch) == list(range(50))
  assert len({tuple(epoch) for epoch in epochs}) == 3
  other = batch_indices('shuffle', 50, 10, start=0, steps=15, seed=4)
  assert (rows != other).any()


def test_steps_far_beyond_32_bits():
  got = batch_indices('sequential', 10, 7, start=10**12, steps=1, seed=0)
  first = 7 * 10**12 % 10
  assert got.tolist() == [[(first + i) % 10 for i in range(7)]]


def test_what_is_no_batch():
  with pytest.raises(InputError, match="sequential, shuffle, got 'random'"):
    batch_indices('random', 5, 2, 0, 1, 0)
  for order in ('sequential', 'shuffle'):
    for batch in (6, 0):
      with pytest.raises(InputError, match=f'1 to 5 examples.* got {batch}'):
        batch_indices(order, 5, batch, 0, 1, 0)
    for numbers in ((-1, 1, 0), (0, -1, 0), (0, 1, -1)):
      with pytest.raises(InputError, match='must not be negative'):
        batch_indices(order, 5, 2, *numbers)


def _dataset(count):
  x = np.arange(count, dtype=np.float32)[:, None]
  train = Split(x, np.arange(count, dtype=np.int32))
  return Dataset('rows', train, Split(x[:2], train.y[:2]), count)


def test_the_validation_set_is_a_keyed_part():
  dataset = _dataset(40)
  rest, held = split_validation(dataset, 10, seed=7)
  assert len(held.y) == 10
  assert sorted([*rest.train.y, *held.y]) == list(range(40))
  for split in (rest.train, held):
    np.testing.assert_array_equal(split.x[:, 0], split.y)
    assert (np.diff(split.y) > 0).all()
  assert rest.test is dataset.test and rest.classes == 40
  again = split_validation(dataset, 10, seed=7)[1]
  other = split_validation(dataset, 10, seed=8)[1]
  np.testing.assert_array_equal(again.y, held.y)
  assert (other.y != held.y).any()
  # Not merely the file's end: it must be drawn from all of it.
  assert held.y.min() < 20 <= held.y.max()


def test_no_validation_set():
  dataset = _dataset(4)
  rest, held = split_validation(dataset, 0, seed=0)
  assert rest.train.y.tolist() == [0, 1, 2, 3]
  assert held.x.shape == (0, 1) and held.y.shape == (0,)


@pytest.mark.parametrize('count', [4, 5, -1])
def test_a_validation_set_that_leaves_nothing(count):
  with pytest.raises(InputError, match=f'0 to 3 .* got {count}'):
    split_validation(_dataset(4), count, seed=0)


def test_the_constraint_set_is_another_part():
  rest, validation = split_validation(_dataset(40), 10, seed=7)
  left, constraint = split_constraint(rest, 10, seed=7)
  parts = [*left.train.y, *validation.y, *constraint.y]
  assert sorted(parts) == list(range(40)) and len(constraint.y) == 10
  # Of the same data it would not be the same draw.
  same = split_constraint(_dataset(40), 10, seed=7)[1]
  assert (same.y != validation.y).any()
  with pytest.raises(InputError, match=r'constraint set must hold 0 to 3'):
    split_constraint(_dataset(4), 4, seed=0)
