"""Which examples a step sees: pure functions."""

import functools

import numpy as np

from prunax.data.types import Dataset, Split
from prunax.errors import InputError

ORDERS = ('sequential', 'shuffle')


# A step needs one epoch's order, at an epoch's end two.
@functools.lru_cache(maxsize=4)
def _permutation(size: int, seed: int, epoch: int) -> np.ndarray:
  order = np.random.default_rng([seed, epoch]).permutation(size)
  order.setflags(write=False)
  return order


def batch_indices(
  order: str, size: int, batch: int, start: int, steps: int, seed: int
) -> np.ndarray:
  """The rows that steps start to start + steps - 1 see, a pure function.

  'sequential' walks through the examples in the file's order and wraps
  around, as Caffe's reader does. 'shuffle' walks likewise through one
  permutation an epoch, keyed by the seed and the epoch. Neither drops the
  examples at an epoch's end, and a resumed run sees what it would have seen.

  >>> batch_indices('sequential', size=5, batch=2, start=1, steps=2, seed=0)
  array([[2, 3],
         [4, 0]], dtype=int32)

  Args:
    order: 'sequential' or 'shuffle'.
    size: the number of examples.
    batch: the number of examples a step, at most `size`.
    start: the first step.
    steps: the number of steps.
    seed: the key of the permutations, not negative.

  Returns:
    [steps, batch] row numbers, int32.
  """
  if order not in ORDERS:
    raise InputError(
      f'the order of the examples must be one of {", ".join(ORDERS)}, got'
      f' {order!r}: choose one of them'
    )
  if not 1 <= batch <= size:
    raise InputError(
      f'a batch must hold 1 to {size} examples, which is all there are, got'
      f' {batch}: choose another batch size'
    )
  if start < 0 or steps < 0 or seed < 0:
    raise InputError(
      'the first step, the number of steps and the seed must not be negative,'
      f' got {start}, {steps} and {seed}: mend the negative one'
    )
  first, end = start * batch, (start + steps) * batch
  if order == 'sequential':
    rows = np.arange(first, end, dtype=np.int64) % size
  else:
    epochs = range(first // size, end // size + 1)
    walk = np.concatenate([_permutation(size, seed, e) for e in epochs])
    rows = walk[first % size :][: end - first]
  return rows.astype(np.int32).reshape(steps, batch)


def split_validation(
  dataset: Dataset, count: int, seed: int
) -> tuple[Dataset, Split]:
  """Holds out `count` training examples, chosen at random by the seed.

  Both parts keep the file's order.

  Args:
    dataset: a data set of more than `count` training examples.
    count: how many examples to hold out; 0 gives an empty split.
    seed: the key of the choice, not negative.

  Returns:
    The data set with the other training examples, and the held-out split.
  """
  return _hold_out(dataset, count, seed, 'validation')


def split_constraint(
  dataset: Dataset, count: int, seed: int
) -> tuple[Dataset, Split]:
  """Holds out examples likewise for what a search judges candidates on."""
  return _hold_out(dataset, count, seed, 'constraint')


# The last word of each use's key; the orders of the epochs have two words.
_USES = {'validation': 1, 'constraint': 2}


def _hold_out(
  dataset: Dataset, count: int, seed: int, use: str
) -> tuple[Dataset, Split]:
  x, y = dataset.train
  if not 0 <= count < len(y):
    raise InputError(
      f'the {use} set must hold 0 to {len(y) - 1} of the {len(y)}'
      f' training examples of {dataset.name!r}, got {count}: choose another'
      ' number'
    )
  if seed < 0:
    raise InputError(
      f'the seed must not be negative, got {seed}: choose another'
    )
  if not count:
    return dataset, Split(x[:0], y[:0])
  key = [seed, 0, _USES[use]]
  chosen = np.random.default_rng(key).permutation(len(y))[:count]
  held = np.zeros(len(y), bool)
  held[chosen] = True
  return dataset._replace(train=Split(x[~held], y[~held])), Split(
    x[held], y[held]
  )
