"""Weights in a `.safetensors`: one tensor a leaf, and meta as JSON."""

import json
import pathlib
from typing import Any

import ml_dtypes
import numpy as np
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save as serialized

from prunax.convert import meta as metas
from prunax.errors import InputError, reason
from prunax.files import PathLike, write_whole
from prunax.names import named, nested

_KEY = 'prunax'
_HEADER = '__metadata__'

# The format's types, as far as each entry is a whole number of bytes.
_TYPES: dict[str, np.dtype] = {
  'BOOL': np.dtype(np.bool_),
  'U8': np.dtype(np.uint8),
  'I8': np.dtype(np.int8),
  'F8_E4M3': np.dtype(ml_dtypes.float8_e4m3fn),
  'F8_E4M3FNUZ': np.dtype(ml_dtypes.float8_e4m3fnuz),
  'F8_E5M2': np.dtype(ml_dtypes.float8_e5m2),
  'F8_E5M2FNUZ': np.dtype(ml_dtypes.float8_e5m2fnuz),
  'F8_E8M0': np.dtype(ml_dtypes.float8_e8m0fnu),
  'U16': np.dtype(np.uint16),
  'I16': np.dtype(np.int16),
  'F16': np.dtype(np.float16),
  'BF16': np.dtype(ml_dtypes.bfloat16),
  'U32': np.dtype(np.uint32),
  'I32': np.dtype(np.int32),
  'F32': np.dtype(np.float32),
  'U64': np.dtype(np.uint64),
  'I64': np.dtype(np.int64),
  'F64': np.dtype(np.float64),
  'C64': np.dtype(np.complex64),
}


def _storable(x: np.ndarray, where: str) -> np.ndarray:
  native = x.dtype.newbyteorder('=')
  if native not in _TYPES.values():
    known = ', '.join(dtype.name for dtype in _TYPES.values())
    raise InputError(
      f'{where} must have a type of the format, got {x.dtype}: convert it to'
      f' one of {known}'
    )
  return x.astype(native, order='C', copy=False)


def save(path: PathLike, weights: Any, meta: dict[str, Any]) -> None:
  """Writes a tree of arrays and `meta` to a `.safetensors`, whole or not.

  The same input gives the same bytes. The tensors' names are the leaves',
  `conv1/kernel`, in the layouts of this package; `meta` is one string of JSON,
  'prunax', in the file's own metadata.

  Args:
    path: the file, which ends in `.safetensors`.
    weights: a tree of arrays; its lists come back as dicts.
    meta: what JSON can hold.
  """
  path = pathlib.Path(path)
  if path.suffix.lower() != '.safetensors':
    raise InputError(
      f'{path} must end in .safetensors to be loaded again, got the suffix'
      f' {path.suffix!r}: choose another name'
    )
  arrays = {
    name: _storable(x, f'{path}: the leaf {name!r}')
    for name, x in named(weights, path, _HEADER).items()
  }
  data = serialized(arrays, {_KEY: metas.dumped(meta, path)})
  write_whole(path, lambda file: file.write(data))


def _array(tensor: dict[str, Any]) -> np.ndarray:
  dtype = _TYPES.get(tensor['dtype'])
  if dtype is None:
    raise TypeError(f'the type {tensor["dtype"]}, which no array can have')
  data = np.frombuffer(tensor['data'], np.uint8)
  # To NumPy a truth value of two is undefined.
  if dtype == np.bool_ and data.max(initial=0) > 1:
    raise ValueError('truth values other than 0 and 1')
  return data.view(dtype).reshape(tensor['shape'])


def _read(path: pathlib.Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
  """The tensors by name, and the file's own metadata."""
  name = ''
  arrays = {}
  try:
    data = path.read_bytes()
    # It refuses sizes and offsets that do not cover the file exactly.
    for name, tensor in deserialize(data):
      arrays[name] = _array(tensor)
    end = 8 + int.from_bytes(data[:8], 'little')
    header = json.loads(data[8:end]).get(_HEADER) or {}
  except (
    OSError,
    OverflowError,
    MemoryError,
    RecursionError,
    SafetensorError,
    TypeError,
    ValueError,
  ) as e:
    tensor = f' with a readable tensor {name!r}' if name else ''
    raise InputError(
      f'{path} must be a whole .safetensors file{tensor}, got {reason(e)}:'
      ' write it again'
    ) from e
  return arrays, header


def load(path: PathLike) -> tuple[dict[str, Any], dict[str, Any]]:
  """The tree of arrays and the meta of a `.safetensors`.

  A name is a path where it has slashes; the names of other programs, such as
  `conv1.weight`, stay as they are.

  Args:
    path: a file by `save`, or of another program, whose meta is {}.

  Returns:
    A nested dict of NumPy arrays, and a dict.
  """
  path = pathlib.Path(path)
  arrays, header = _read(path)
  if not arrays:
    raise InputError(f'{path} must hold a tensor, got none: write it again')
  text = header.get(_KEY)
  meta = {} if text is None else metas.parsed(text, path, f'metadata {_KEY!r}')
  return nested(arrays, path), meta
