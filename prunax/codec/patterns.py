"""Arrays as bit patterns, in which nothing is lost and only 0 is zero."""

from typing import NamedTuple

import ml_dtypes
import numpy as np

from prunax.errors import InputError

# Their places in this list stand in files: add at the end, change nothing.
_NAMES = (
  'bool',
  'int8',
  'int16',
  'int32',
  'int64',
  'uint8',
  'uint16',
  'uint32',
  'uint64',
  'float16',
  'float32',
  'float64',
  'complex64',
  'complex128',
  'bfloat16',
  'int2',
  'int4',
  'uint2',
  'uint4',
  'float8_e3m4',
  'float8_e4m3',
  'float8_e4m3b11fnuz',
  'float8_e4m3fn',
  'float8_e4m3fnuz',
  'float8_e5m2',
  'float8_e5m2fnuz',
  'float8_e8m0fnu',
  'float6_e2m3fn',
  'float6_e3m2fn',
  'float4_e2m1fn',
)


class Fields(NamedTuple):
  """How many bits a float has below its sign."""

  exponent: int
  mantissa: int


_FIELDS = {
  'float16': Fields(5, 10),
  'bfloat16': Fields(8, 7),
  'float32': Fields(8, 23),
  'float64': Fields(11, 52),
}


def number(dtype: np.dtype, leaf: str) -> int:
  """What stands for a type in a file."""
  if dtype.name not in _NAMES:
    raise InputError(
      f'the leaf {leaf!r} must hold numbers of a type among'
      f' {", ".join(_NAMES)}, got {dtype}: convert it, or leave it out'
    )
  return _NAMES.index(dtype.name)


def dtype(number: int) -> np.dtype:
  """The type that a number in a file stands for."""
  name = _NAMES[number]
  return np.dtype(getattr(ml_dtypes, name, None) or name)


def fields(dtype: np.dtype) -> Fields | None:
  """The parts of a float that are coded apart, or None for other types."""
  return _FIELDS.get(dtype.name)


def of(x: np.ndarray) -> np.ndarray:
  """The bits of each entry as a whole number; complex ones have two.

  >>> of(np.array([1.0, -0.0], np.float32)).tolist()
  [1065353216, 0]
  """
  part = x.dtype.itemsize // (2 if x.dtype.kind == 'c' else 1)
  flat = np.ascontiguousarray(x).reshape(-1).view(f'u{part}')
  if x.dtype.kind in 'fc' or x.dtype.name in _FIELDS:
    negative_zero = 1 << 8 * part - 1
    flat = np.where(flat == negative_zero, flat.dtype.type(0), flat)
  return flat.astype(flat.dtype.newbyteorder('<'), copy=False)


def back(bits: np.ndarray, shape: tuple[int, ...], to: np.dtype) -> np.ndarray:
  """The array that has these bits."""
  native = np.ascontiguousarray(bits).astype(
    bits.dtype.newbyteorder('='), copy=False
  )
  return native.view(to).reshape(shape)
