"""Pixels as a net sees them."""

import dataclasses
import math
from typing import Any

import numpy as np

from prunax.errors import InputError

Numbers = float | tuple[float, ...]


def _parts(value: Any) -> tuple[Any, ...]:
  return value if isinstance(value, tuple) else (value,)


def _is_finite(value: Any) -> bool:
  number = isinstance(value, (int, float)) and not isinstance(value, bool)
  return number and math.isfinite(value)


@dataclasses.dataclass(frozen=True)
class Scale:
  """uint8 pixels x become (x - mean) / deviation, in float32.

  Examples that are floating already are only cast. Works on NumPy arrays and,
  inside a traced function, on JAX arrays. Two scales of the same numbers are
  equal.

  >>> Scale()(np.array([0, 128], np.uint8))
  array([0. , 0.5], dtype=float32)
  >>> Scale(mean=(100.0, 50.0), deviation=50.0)(np.array([[50, 100]], np.uint8))
  array([[-1.,  1.]], dtype=float32)

  Attributes:
    mean: one number, or one for each channel, the last axis.
    deviation: likewise, above 0. The default is Caffe's factor for MNIST.
  """

  mean: Numbers = 0.0
  deviation: Numbers = 256.0

  def __post_init__(self) -> None:
    for name in ('mean', 'deviation'):
      value = getattr(self, name)
      parts = _parts(value)
      if not parts or not all(map(_is_finite, parts)):
        raise InputError(
          f'the {name} of a scale must be a finite number or a tuple of them,'
          f' one for each channel, got {value!r}: mend it'
        )
    if min(_parts(self.deviation)) <= 0:
      raise InputError(
        f'the deviation of a scale must be above 0, got {self.deviation!r}:'
        ' mend it'
      )

  def __call__(self, x: Any) -> Any:
    if x.dtype == np.uint8:
      # Most nets have no mean, and their program no subtraction of zeros.
      wide = x.astype(np.float32)
      mean = np.asarray(self.mean, np.float32)
      return (wide - mean if mean.any() else wide) * self.unit
    if x.dtype.kind in 'biuc':
      raise InputError(
        f'examples must be uint8 or floating, got {x.dtype}: convert them with'
        ' x.astype'
      )
    return x.astype(np.float32)

  @property
  def unit(self) -> Any:
    """What one grey level is to the net: a float32, or one a channel."""
    return (1 / np.asarray(self.deviation)).astype(np.float32)

  @property
  def recorded(self) -> list[Any]:
    """The scale as files of weights record it: what JSON can hold."""
    return [self.mean, self.deviation]

  def check_channels(self, x: np.ndarray, where: str) -> None:
    """Refuses examples with another number of channels than the scale has."""
    for value in (self.mean, self.deviation):
      if isinstance(value, tuple) and len(value) != x.shape[-1]:
        raise InputError(
          f'{where}: the scale must have one number for each of the'
          f' {x.shape[-1]} channels, got {value!r}: mend the scale'
        )


scale = Scale()


def of_record(value: Any, where: str) -> Scale:
  """The scale that `recorded` gave.

  >>> of_record([[1.0, 2.0], 4.0], 'mine.npz')
  Scale(mean=(1.0, 2.0), deviation=4.0)

  Args:
    value: what JSON gave back.
    where: the file, which an error names.
  """
  if not isinstance(value, list) or len(value) != 2:
    raise InputError(
      f'{where}: the recorded scale must be a mean and a deviation, got'
      f' {value!r}: write the file again'
    )
  mean, deviation = (tuple(x) if isinstance(x, list) else x for x in value)
  try:
    return Scale(mean, deviation)
  except InputError as e:
    raise InputError(f'{where}: {e}') from None
