"""Training on a part of the examples."""

import numpy as np

from prunax.data.types import Dataset, Split
from prunax.errors import InputError

# The last word of the key, of which the hold-outs have others.
_USE = 3


def limit(dataset: Dataset, count: int, seed: int) -> Dataset:
  """Keeps `count` training examples, as evenly of all classes as can be.

  The seed shuffles the examples; then every class gives its first one, its
  second one and so on, until there are enough. So a smaller choice lies in a
  larger one of the same seed, and a class that has too few gives what it has.

  >>> x, y = np.arange(6.0)[:, None], np.array([0, 0, 0, 0, 1, 2])
  >>> whole = Dataset('mine', Split(x, y), Split(x, y), 3)
  >>> limit(whole, 4, seed=0).train.y
  array([0, 0, 1, 2])

  Args:
    dataset: the data set.
    count: how many to keep, in the file's order; 0 keeps all.
    seed: the key of the choice, not negative.
  """
  x, y = dataset.train
  if not 0 <= count <= len(y):
    raise InputError(
      f'data.limit must be 0 to {len(y)}, the training examples of'
      f' {dataset.name!r} that nothing holds out, got {count}: choose another'
      ' number'
    )
  if seed < 0:
    raise InputError(
      f'the seed must not be negative, got {seed}: choose another'
    )
  if not count:
    return dataset
  shuffled = np.random.default_rng([seed, 0, _USE]).permutation(len(y))
  by_round = shuffled[np.argsort(_rounds(y[shuffled]), kind='stable')]
  kept = np.sort(by_round[:count])
  return dataset._replace(train=Split(x[kept], y[kept]))


def _rounds(labels: np.ndarray) -> np.ndarray:
  """How many of the same class come before each example.

  >>> _rounds(np.array([1, 0, 1, 1, 0]))
  array([0, 0, 1, 2, 1])
  """
  order = np.argsort(labels, kind='stable')
  counts = np.bincount(labels)
  firsts = np.repeat(np.cumsum(counts) - counts, counts)
  rounds = np.empty(len(labels), np.int64)
  rounds[order] = np.arange(len(labels)) - firsts
  return rounds
