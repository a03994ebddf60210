"""Weights from and to files of every kind, told apart by their suffixes."""

import pathlib
from typing import Any

from prunax import codec, convert
from prunax.convert import Loaded
from prunax.files import PathLike


def is_packed(path: PathLike) -> bool:
  """Whether a file's name says that it is a `.prx`."""
  return pathlib.Path(path).suffix.lower() == '.prx'


def load(path: PathLike, max_bytes: int = codec.MOST_BYTES) -> Loaded:
  """The weights in a file.

  Args:
    path: a `.prx`, `.npz`, `.safetensors` or `.caffemodel`.
    max_bytes: how large the arrays of a `.prx` may be in all.
  """
  if not is_packed(path):
    return convert.load(path)
  with codec.PrxFile(path, max_bytes) as file:
    return Loaded(file.tree(), file.meta, file.stored())


def save(path: PathLike, weights: Any, meta: dict[str, Any]) -> None:
  """Writes weights to a file, whole or not at all.

  Args:
    path: a `.prx`, `.npz` or `.safetensors`, which keep everything, or a
      `.caffemodel`, which keeps float32 by layer.
    weights: a tree of arrays; its lists come back as dicts.
    meta: a dict of what JSON can hold.
  """
  if is_packed(path):
    codec.save(path, weights, meta)
  else:
    convert.save(path, weights, meta)
