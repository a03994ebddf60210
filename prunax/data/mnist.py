"""MNIST, from its four official files."""

import os
import pathlib

from prunax.data import folders, idx
from prunax.data.types import Dataset, Split
from prunax.errors import InputError
from prunax.files import PathLike


def _file(name: str, root: pathlib.Path) -> pathlib.Path:
  """The file `name` or `name`.gz, in root/mnist or in root itself."""
  for folder in (root / 'mnist', root):
    for file in (folder / f'{name}.gz', folder / name):
      if os.path.exists(file):
        return file
  raise InputError(
    f'MNIST needs the file {name}.gz (or {name}) in {root / "mnist"} or in'
    f' {root}, got neither: put the four official files there, or use the data'
    " set 'digits', which needs no files"
  )


def _split(stem: str, root: pathlib.Path) -> Split:
  x_file = _file(f'{stem}-images-idx3-ubyte', root)
  y_file = _file(f'{stem}-labels-idx1-ubyte', root)
  x, y = idx.read(x_file), idx.read(y_file)
  if x.shape[1:] != (28, 28) or x.dtype != 'uint8':
    raise InputError(
      f'{x_file} must hold uint8 images of 28x28, got {x.dtype} of the shape'
      f' {x.shape}: fetch the official file'
    )
  if y.ndim != 1 or y.dtype != 'uint8' or (y > 9).any():
    raise InputError(
      f'{y_file} must hold uint8 labels of 0 to 9, got {y.dtype} of the shape'
      f' {y.shape} up to {y.max(initial=0)}: fetch the official file'
    )
  if len(x) != len(y) or not len(y):
    raise InputError(
      f'{y_file} must hold one label for each image of {x_file}, at least one,'
      f' got {len(y)} labels for {len(x)} images: fetch both again'
    )
  return Split(x[..., None], y.astype('int32'))


def load(data_dir: PathLike | None = None) -> Dataset:
  """MNIST: 60,000 and 10,000 images [28, 28, 1] of ten digits, uint8.

  Args:
    data_dir: the folder that holds the official files, gzipped or not, or
      holds a folder `mnist` of them; None means PRUNAX_DATA_DIR.
  """
  root = folders.need('mnist', data_dir)
  train, test = (_split(stem, root) for stem in ('train', 't10k'))
  return Dataset('mnist', train, test, classes=10)
