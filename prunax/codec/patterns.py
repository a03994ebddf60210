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


# Where a type has a negative zero, its bits.
_NEGATIVE_ZERO = {
  'float16': 1 << 15,
  'bfloat16': 1 << 15,
  'float32': 1 << 31,
  'complex64': 1 << 31,
  'float64': 1 << 63,
  'complex128': 1 << 63,
  'float8_e3m4': 0x80,
  'float8_e4m3': 0x80,
  'float8_e4m3fn': 0x80,
  'float8_e5m2': 0x80,
  'float6_e2m3fn': 0x20,
  'float6_e3m2fn': 0x20,
  'float4_e2m1fn': 0x08,
}


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


def part(dtype: np.dtype) -> np.dtype:
  """The whole numbers that hold the bits, the lowest byte first.

  >>> part(np.dtype('complex64')).str
  '<u4'
  """
  return np.dtype(f'<u{dtype.itemsize // (2 if dtype.kind == "c" else 1)}')


def of(x: np.ndarray) -> np.ndarray:
  """The bits of each entry as a whole number; complex ones have two.

  >>> of(np.array([1.0, -0.0], np.float32)).tolist()
  [1065353216, 0]
  """
  plain = np.ascontiguousarray(x, x.dtype.newbyteorder('='))
  flat = plain.reshape(-1).view(part(x.dtype).newbyteorder('='))
  # Bits are compared, since a machine may take subnormal numbers for zeros.
  negative_zero = _NEGATIVE_ZERO.get(x.dtype.name)
  if negative_zero is not None:
    flat = np.where(flat == negative_zero, flat.dtype.type(0), flat)
  return flat.astype(part(x.dtype), copy=False)


def back(bits: np.ndarray, shape: tuple[int, ...], to: np.dtype) -> np.ndarray:
  """The array that has these bits."""
  if to == np.bool_ and (bits > 1).any():
    raise ValueError('a truth that is neither 0 nor 1')
  native = np.ascontiguousarray(bits).astype(
    bits.dtype.newbyteorder('='), copy=False
  )
  return native.view(to).reshape(shape)
