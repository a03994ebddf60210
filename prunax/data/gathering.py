"""Examples that come one by one, as arrays."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from prunax.data.types import Split
from prunax.errors import InputError


def gather(examples: Iterable[tuple[Any, Any]]) -> Split:
  """All examples of an iterator, for a loader of your own.

  >>> split = gather((np.full((4, 4, 1), i, np.uint8), i % 2) for i in range(3))
  >>> split.x.shape, split.y
  ((3, 4, 4, 1), array([0, 1, 0]))

  Args:
    examples: of (x, y), an array of one shape for all and a class number.
  """
  x, y = [], []
  for i, example in enumerate(examples):
    if not isinstance(example, (tuple, list)) or len(example) != 2:
      raise InputError(
        'an iterator of examples must give pairs of x and y, got'
        f' {type(example).__name__} as number {i}: mend the loader'
      )
    x.append(np.asarray(example[0]))
    y.append(example[1])
    if (x[i].shape, x[i].dtype) != (x[0].shape, x[0].dtype):
      raise InputError(
        'all examples of an iterator must have one shape and type, got'
        f' {x[i].dtype} of {x[i].shape} as number {i} after {x[0].dtype} of'
        f' {x[0].shape}: mend the loader'
      )
  if not x:
    raise InputError(
      'an iterator of examples must give at least one, got none: an iterator'
      ' that is used up gives nothing again, mend the loader'
    )
  return Split(np.stack(x), np.asarray(y))
