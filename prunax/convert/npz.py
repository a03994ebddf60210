"""Weights in an `.npz`: one array a leaf, and what is known of them as JSON."""

import pathlib
import zipfile
from typing import Any, BinaryIO

import ml_dtypes
import numpy as np

from prunax.convert import meta as metas
from prunax.errors import NPZ_DAMAGE, InputError, reason
from prunax.files import PathLike, write_whole
from prunax.names import named, nested

META = '__prunax__'
_DTYPES = '__dtypes__'

# The only date that makes the same weights the same bytes, today and tomorrow.
_DATE = (1980, 1, 1, 0, 0, 0)


def _plain(x: np.ndarray, where: str) -> np.ndarray:
  """`x` in a type that NumPy can store: those of ml_dtypes as their bits."""
  if x.dtype.type is getattr(ml_dtypes, x.dtype.name, None):
    return x.view(f'uint{8 * x.dtype.itemsize}')
  if x.dtype.kind in 'biufc':
    return x
  raise InputError(
    f'{where} must be an array of numbers, got {x.dtype}: convert it, or leave'
    ' it out'
  )


def _entries(
  weights: Any, meta: dict[str, Any], path: pathlib.Path
) -> dict[str, np.ndarray]:
  if _DTYPES in meta:
    raise InputError(
      f'{path}: meta must have no key {_DTYPES!r}, which is taken: rename it'
    )
  entries, dtypes = {}, {}
  for name, leaf in named(weights, path, META).items():
    x = np.asarray(leaf, order='C')
    entries[name] = _plain(x, f'{path}: the leaf {name!r}')
    if entries[name].dtype != x.dtype:
      dtypes[name] = x.dtype.name
  if dtypes:
    meta = {**meta, _DTYPES: dtypes}
  text = metas.dumped(meta, path)
  entries[META] = np.frombuffer(text.encode(), np.uint8)
  return entries


def _write(file: BinaryIO, entries: dict[str, np.ndarray]) -> None:
  with zipfile.ZipFile(file, 'w') as archive:
    for name, x in entries.items():
      info = zipfile.ZipInfo(f'{name}.npy', _DATE)
      with archive.open(info, 'w', force_zip64=True) as entry:
        np.lib.format.write_array(entry, x, allow_pickle=False)


def save(path: PathLike, weights: Any, meta: dict[str, Any]) -> None:
  """Writes a tree of arrays and `meta` to an `.npz`, whole or not at all.

  The same input gives the same bytes. bfloat16 and the small floats of
  ml_dtypes are stored as their bits. `numpy.load` reads the file too: the
  entries are the leaves' names, `conv1/kernel`.

  Args:
    path: the file, which ends in `.npz`.
    weights: a tree of arrays; its lists come back as dicts.
    meta: what JSON can hold.
  """
  path = pathlib.Path(path)
  if path.suffix.lower() != '.npz':
    raise InputError(
      f'{path} must end in .npz to be loaded again, got the suffix'
      f' {path.suffix!r}: choose another name'
    )
  entries = _entries(weights, meta, path)
  write_whole(path, lambda file: _write(file, entries))


def _arrays(path: pathlib.Path) -> dict[str, np.ndarray]:
  arrays = {}
  name = ''
  try:
    with path.open('rb') as file:
      if not zipfile.is_zipfile(file):
        raise zipfile.BadZipFile('a file that is cut short or no zip file')
      file.seek(0)
      with np.load(file, allow_pickle=False) as entries:
        for name in entries.files:
          x = entries[name]
          if not isinstance(x, np.ndarray) or x.dtype.kind not in 'biufc':
            raise TypeError('an entry that is no array of numbers')
          arrays[name] = x
  except NPZ_DAMAGE as e:
    entry = f' with a readable entry {name!r}' if name else ''
    raise InputError(
      f'{path} must be a whole .npz file{entry}, got {reason(e)}: write it'
      ' again'
    ) from e
  return arrays


def _meta(arrays: dict[str, np.ndarray], path: pathlib.Path) -> dict[str, Any]:
  """Takes `meta` out of `arrays`, and views stored bits as what they are."""
  stored = arrays.pop(META, None)
  if stored is None:
    return {}
  text = stored.astype(np.uint8).tobytes()
  meta = metas.parsed(text, path, f'entry {META!r}')
  try:
    for name, dtype in meta.pop(_DTYPES, {}).items():
      arrays[name] = arrays[name].view(np.dtype(getattr(ml_dtypes, dtype)))
  except (AttributeError, KeyError, TypeError, ValueError) as e:
    raise InputError(
      f'{path} must tell the types of its entries in {META!r}, got'
      f' {reason(e)}: write it again'
    ) from e
  return meta


def load(path: PathLike) -> tuple[dict[str, Any], dict[str, Any]]:
  """The tree of arrays and the meta of an `.npz`.

  Args:
    path: a file by `save`, or any `.npz` of arrays by name, whose meta is {}.

  Returns:
    A nested dict of NumPy arrays, and a dict.
  """
  path = pathlib.Path(path)
  arrays = _arrays(path)
  meta = _meta(arrays, path)
  if not arrays:
    raise InputError(f'{path} must hold an array, got none: write it again')
  return nested(arrays, path), meta
