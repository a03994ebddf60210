"""What a data set is once it is read, and the checks that all of them pass."""

from typing import NamedTuple

import numpy as np

from prunax.data.scaling import Scale, scale
from prunax.errors import InputError


class Split(NamedTuple):
  """Examples and their labels, row by row.

  Attributes:
    x: [n, height, width, channels] images or [n, features], uint8 or floating.
    y: [n] labels, int32.
  """

  x: np.ndarray
  y: np.ndarray


class Dataset(NamedTuple):
  """A data set in memory.

  Attributes:
    name: what it is called.
    train: what is trained on.
    test: what is judged on.
    classes: one more than the largest label may be.
    scale: how uint8 pixels become what a net sees.
  """

  name: str
  train: Split
  test: Split
  classes: int
  scale: Scale = scale


def checked(split: Split, where: str) -> Split:
  """`split` with a channel axis and int32 labels, if it can be trained on.

  >>> split = Split(np.zeros((2, 4, 4)), np.array([0, 1]))
  >>> x, y = checked(split, 'mine.npz')
  >>> x.shape, y.dtype.name
  ((2, 4, 4, 1), 'int32')

  Args:
    split: x of [n, height, width, channels], [n, height, width] (which gains
      the channel axis) or [n, features]; y of [n] integers.
    where: the file or the data set, which an error names.
  """
  x, y = np.asanyarray(split.x), np.asanyarray(split.y)
  if x.dtype != np.uint8 and not np.issubdtype(x.dtype, np.floating):
    raise InputError(
      f'{where}: x must be uint8 or floating, got {x.dtype}: convert it with'
      ' x.astype'
    )
  if x.dtype != np.uint8 and not np.isfinite(x).all():
    raise InputError(
      f'{where}: x must be finite, got a NaN or an infinity: mend the examples'
    )
  if x.ndim not in (2, 3, 4):
    raise InputError(
      f'{where}: x must be [n, height, width, channels], [n, height, width] or'
      f' [n, features], got the shape {x.shape}: reshape it'
    )
  if y.ndim != 1 or y.dtype.kind not in 'iu':
    raise InputError(
      f'{where}: y must be a vector of integer labels, got {y.dtype} of the'
      f' shape {y.shape}: give one class number an example'
    )
  if len(x) != len(y):
    raise InputError(
      f'{where}: x and y must be equally long, got {len(x)} examples and'
      f' {len(y)} labels: give one label an example'
    )
  if not len(y):
    raise InputError(
      f'{where}: there must be at least one example, got none: add some'
    )
  if y.min() < 0 or y.max() > np.iinfo(np.int32).max:
    raise InputError(
      f'{where}: labels must lie in [0, 2^31), got {y.min()} to {y.max()}:'
      ' number the classes from 0'
    )
  if x.ndim == 3:
    x = x[..., None]
  return Split(x, y.astype(np.int32, copy=False))


def checked_dataset(dataset: Dataset, where: str) -> Dataset:
  """`dataset`, if both splits pass `checked`, are alike and fit its classes."""
  train = checked(dataset.train, f'{where} (train)')
  test = checked(dataset.test, f'{where} (test)')
  if train.x.shape[1:] != test.x.shape[1:] or train.x.dtype != test.x.dtype:
    raise InputError(
      f'{where}: the examples of train and test must be alike, got'
      f' {train.x.dtype} of {train.x.shape[1:]} and {test.x.dtype} of'
      f' {test.x.shape[1:]}: store both in one form'
    )
  for part, split in (('train', train), ('test', test)):
    if split.y.max() >= dataset.classes:
      raise InputError(
        f'{where}: labels must be below the {dataset.classes} classes, got'
        f' {split.y.max()} in {part}: mend the labels or the number of classes'
      )
  _check_scale(dataset.scale, train.x, where)
  return dataset._replace(train=train, test=test)


def _check_scale(given: Scale, x: np.ndarray, where: str) -> None:
  if not isinstance(given, Scale):
    raise InputError(
      f'{where}: the scale must be a prunax.data.Scale, got'
      f' {type(given).__name__}: give its mean and deviation'
    )
  if given != scale and x.dtype != np.uint8:
    raise InputError(
      f'{where}: only uint8 examples have a scale, got {x.dtype}: leave the'
      ' scale out and store them as the net shall see them'
    )
  given.check_channels(x, where)
