"""Weights from and to the files of other programs."""

import os
import pathlib
from typing import Any, NamedTuple

from prunax.convert import caffemodel as caffemodel
from prunax.convert import npz as npz
from prunax.errors import InputError


class Loaded(NamedTuple):
  """Weights by layer, and what their file says of them."""

  tree: dict[str, Any]
  meta: dict[str, Any]


def load(path: str | os.PathLike[str]) -> Loaded:
  """The weights in a file, which its suffix tells how to read.

  Args:
    path: a `.caffemodel`, whose meta is {}, or an `.npz`.
  """
  suffix = pathlib.Path(path).suffix.lower()
  if suffix == '.caffemodel':
    return Loaded(caffemodel.read(path), {})
  if suffix == '.npz':
    return Loaded(*npz.load(path))
  raise InputError(
    f'weights must lie in a file that ends in .caffemodel or .npz, got {path}:'
    ' convert it or mend its name'
  )
