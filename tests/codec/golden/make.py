"""Describes golden files, and writes those that are not there yet.

  python tests/codec/golden/make.py

Beside each file lies an .npz: of each leaf the bits as whole numbers, and as
JSON its type and the meta. What once was written stays as it is.
"""

import json
import pathlib

import ml_dtypes
import numpy as np

HERE = pathlib.Path(__file__).parent


def _dtype(name):
  return np.dtype(getattr(ml_dtypes, name, None) or name)


def _patterns(dtype):
  return f'u{dtype.itemsize // (2 if dtype.kind == "c" else 1)}'


def bits(x):
  """The bits of an array, a complex entry's in two."""
  x = np.asarray(x)
  shape = (*x.shape, 2) if x.dtype.kind == 'c' else x.shape
  flat = np.ascontiguousarray(x).reshape(-1)
  return flat.view(_patterns(x.dtype)).reshape(shape)


def leaves(path):
  """The leaves of a golden file by name, by its description."""
  with np.load(path.with_suffix('.npz')) as told:
    types = json.loads(str(told['types']))
    found = {}
    for name, kind in types.items():
      dtype, stored = _dtype(kind), told[f'leaf/{name}']
      shape = stored.shape[:-1] if dtype.kind == 'c' else stored.shape
      found[name] = stored.reshape(-1).view(dtype).reshape(shape)
  return found


def meta(path):
  """The meta of a golden file, by its description."""
  with np.load(path.with_suffix('.npz')) as told:
    return json.loads(str(told['meta']))


def _small(rng):
  kernel = rng.normal(size=(3, 3, 4, 6)).astype(np.float32)
  kernel[rng.random(kernel.shape) < 0.6] = 0
  kernel[..., 2] = 0
  levels = rng.normal(size=5).astype(np.float32)
  picked = rng.choice(levels, (8, 9)) * (rng.random((8, 9)) < 0.5)
  powers = 2.0 ** rng.integers(-7, 0, 20) * rng.choice([-1, 1], 20)
  rows = rng.random((6, 1, 9)) < 0.4
  planes = np.where(rows & (rng.random((6, 8, 9)) < 0.9), 0.5, 0)
  return {
    'conv1/kernel': kernel,
    # No -0.0, which would not come back.
    'ip1/kernel': picked.astype(np.float32) + 0,
    'ip2/kernel': powers.astype(np.float32).reshape(5, 4),
    'planes': planes.astype(np.float32).reshape(48, 9),
    'steps': np.arange(100, 140, 3),
    'short': rng.normal(size=30).astype(_dtype('bfloat16')),
    'wave': (rng.normal(size=9) * (1 + 2j)).astype(np.complex64),
  }


def _large(rng):
  picked = np.zeros((240, 230), _dtype('bfloat16'))
  picked[np.arange(240), np.arange(240) % 230] = rng.choice([1, -2, 3], 240)
  whole = np.ones((300, 200), np.float32)
  whole[7, 9] = -3
  lines = np.zeros((300, 480), np.int16)
  lines[::2, ::2] = np.where(np.eye(150, 240) > 0, 0, 5)
  return {'lines': lines, 'picked': picked, 'steps': whole}


def _plain(rng):
  return {
    'empty': np.zeros((0, 3), np.float16),
    'noise': rng.integers(0, 256, 40, np.uint8),
    'one': np.float32(-1.5),
    'zeros': np.zeros((64, 32), np.float64),
    'über/größe': np.array([np.nan, np.inf, -np.inf, 1e-45], np.float32),
  }


def _types(rng):
  names = (
    'bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32'
    ' float64 complex64 complex128 bfloat16 int2 int4 uint2 uint4 float8_e3m4'
    ' float8_e4m3 float8_e4m3b11fnuz float8_e4m3fn float8_e4m3fnuz float8_e5m2'
    ' float8_e5m2fnuz float8_e8m0fnu float6_e2m3fn float6_e3m2fn float4_e2m1fn'
  )
  return {
    name: np.array([0, 1, 1, 0, 1], np.float32).astype(_dtype(name))
    for name in names.split(' ')
  }


MAKERS = {'small': _small, 'large': _large, 'plain': _plain, 'types': _types}
METAS = {'small': {'made by': 'prunax', 'rows': [1, 2.5, None]}}


def main():
  """Writes what is missing; never changes what is there."""
  from prunax import codec

  for name, make in MAKERS.items():
    path = HERE / f'{name}.prx'
    if path.exists():
      continue
    found, note = make(np.random.default_rng(0)), METAS.get(name, {})
    types = {name: np.asarray(x).dtype.name for name, x in found.items()}
    np.savez_compressed(
      path.with_suffix('.npz'),
      types=json.dumps(types),
      meta=json.dumps(note),
      **{f'leaf/{name}': bits(x) for name, x in found.items()},
    )
    codec.save(path, leaves(path), note)


if __name__ == '__main__':
  main()
