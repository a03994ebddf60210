"""Arrays of all types, shapes and kinds, from a seed."""

import ml_dtypes
import numpy as np

# The list of docs/format.md, typed again: what it says must not change.
TYPES = [
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
]

SHAPES = [
  (),
  (1,),
  (9,),
  (700,),
  (0,),
  (0, 5),
  (5, 0),
  (1, 1),
  (300, 1),
  (1, 300),
  (13, 11),
  (2, 1, 9),
  (3, 3, 6, 7),
  (2, 3, 2, 4, 5),
]

KINDS = (
  'any bits',
  'normal',
  'all dead',
  'one alive',
  'few values',
  'constant',
  'powers of two',
  'short mantissas',
  'sparse',
  'dead lines',
  'subnormal',
)

# What of a byte counts.
_BITS = {'bool': 1, 'int2': 3, 'uint2': 3, 'int4': 15, 'uint4': 15}
_BITS |= {'float6_e2m3fn': 63, 'float6_e3m2fn': 63, 'float4_e2m1fn': 15}


def dtype(name):
  return np.dtype(getattr(ml_dtypes, name, None) or name)


def _values(kind, shape, rng):
  x = rng.normal(size=shape) * 3
  if kind == 'few values':
    return np.round(x)
  if kind == 'constant':
    return np.full(shape, 2.5)
  if kind == 'powers of two':
    return np.sign(x) * 2.0 ** rng.integers(-6, 1, shape)
  if kind == 'short mantissas':
    return np.round(x * 64) / 64
  return x * 1e-40 if kind == 'subnormal' else x


def _bits(to, shape, rng):
  """Any bits that a type knows."""
  found = rng.integers(0, 256, (*shape, to.itemsize), np.uint8)
  found &= np.uint8(_BITS.get(to.name, 255))
  return found.view(to)[..., 0]


def make(name, shape, kind, seed):
  """An array; -0.0 is among 'any bits' and 'sparse'."""
  rng, to = np.random.default_rng(seed), dtype(name)
  if kind == 'any bits':
    return _bits(to, shape, rng)
  with np.errstate(all='ignore'):
    wide = _values(kind, shape, rng)
    if kind == 'all dead':
      wide = wide * 0
    elif kind == 'one alive':
      wide = np.where(np.arange(wide.size).reshape(shape) == 3, wide, 0.0)
    elif kind == 'sparse':
      wide = np.where(rng.random(shape) < 0.8, np.copysign(0.0, wide), wide)
    elif kind == 'dead lines' and shape:
      wide = wide * (rng.random(shape[-1]) < 0.3)
      wide *= rng.random((*shape[:-1], 1)) < 0.5
    if name == 'float8_e8m0fnu':
      wide = np.abs(wide)
    if to.kind == 'u' or name.startswith('uint'):
      wide = np.abs(wide)
    found = np.asarray(wide, np.float32).astype(to)
  if to.kind == 'c':
    found = found + found[::-1] * to.type(1j) if shape else found
  return found


def bits(x, name):
  """The bits of an array as bytes, with negative zeros made zeros."""
  to = dtype(name)
  assert x.dtype == to and x.dtype.isnative, (x.dtype, to)
  x = np.ascontiguousarray(x).copy()
  if to.kind == 'c':
    parts = x.reshape(-1).view(f'f{to.itemsize // 2}')
    parts[parts == 0] = 0
  elif 'float' in name and name != 'float8_e8m0fnu':
    with np.errstate(invalid='ignore'):
      x[x == to.type(0)] = to.type(0)
  return x.tobytes()


def tree():
  """A few leaves that are coded in every way."""
  return {
    f'{kind}/{name}/{len(shape)}': make(name, shape, kind, 1)
    for kind in KINDS[:9]
    for name, shape in (('float32', (30, 20)), ('int8', (230, 220)))
  }
