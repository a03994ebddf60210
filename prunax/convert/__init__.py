"""Weights from and to the files of other programs."""

import pathlib
from typing import Any, NamedTuple

from prunax.convert import caffemodel as caffemodel
from prunax.convert import npz as npz
from prunax.convert import safetensors as safetensors
from prunax.errors import InputError
from prunax.files import PathLike

_SUFFIXES = '.caffemodel, .npz or .safetensors'


class Loaded(NamedTuple):
  """Weights by layer, and what their file says of them.

  `stored` is how many bytes each leaf takes, its check with it, by name, where
  the file is one that was made to be small.
  """

  tree: dict[str, Any]
  meta: dict[str, Any]
  stored: dict[str, int] | None = None


def load(path: PathLike) -> Loaded:
  """The weights in a file, which its suffix tells how to read.

  Args:
    path: a `.caffemodel`, whose meta is {}, an `.npz` or a `.safetensors`.
  """
  suffix = pathlib.Path(path).suffix.lower()
  if suffix == '.caffemodel':
    return Loaded(caffemodel.read(path), {})
  if suffix == '.npz':
    return Loaded(*npz.load(path))
  if suffix == '.safetensors':
    return Loaded(*safetensors.load(path))
  raise InputError(
    f'weights must lie in a file that ends in {_SUFFIXES}, got {path}: convert'
    ' it or mend its name'
  )


def save(path: PathLike, weights: Any, meta: dict[str, Any]) -> None:
  """Writes weights to a file, which its suffix tells how to write.

  The file is there whole or not at all, and `load` reads it.

  Args:
    path: an `.npz` or a `.safetensors`, which keep everything, or a
      `.caffemodel`, which keeps float32 by layer and of `meta` only 'model',
      as the net's name.
    weights: a tree of arrays; its lists come back as dicts.
    meta: what JSON can hold.
  """
  suffix = pathlib.Path(path).suffix.lower()
  if suffix == '.caffemodel':
    caffemodel.write(path, weights, str(meta.get('model') or ''))
  elif suffix == '.npz':
    npz.save(path, weights, meta)
  elif suffix == '.safetensors':
    safetensors.save(path, weights, meta)
  else:
    raise InputError(
      f'weights must be saved to a file that ends in {_SUFFIXES}, got {path}:'
      ' choose another name'
    )
