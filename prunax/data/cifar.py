"""CIFAR-10 and CIFAR-100, from their official binary files.

A record is one byte of label (CIFAR-100: the coarse label, then the fine one)
and 3,072 bytes of image: the red, the green and the blue plane of 32 x 32
(Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009).
"""

import os
import pathlib
from typing import NamedTuple

import numpy as np

from prunax.data import folders
from prunax.data.scaling import Scale
from prunax.data.types import Dataset, Split
from prunax.errors import InputError
from prunax.files import PathLike

# Of all channels together (Wang et al., COP, 2019).
SCALE = Scale(mean=120.707, deviation=64.15)

_SIZE, _CHANNELS = 32, 3
_PIXELS = _CHANNELS * _SIZE * _SIZE


class _Layout(NamedTuple):
  """The files of a set, and the labels before each image: the last counts."""

  name: str
  folder: str
  train: tuple[str, ...]
  test: str
  labels: tuple[tuple[str, int], ...]


_CIFAR10 = _Layout(
  'cifar10',
  'cifar-10-batches-bin',
  tuple(f'data_batch_{i}.bin' for i in range(1, 6)),
  'test_batch.bin',
  (('label', 10),),
)
_CIFAR100 = _Layout(
  'cifar100',
  'cifar-100-binary',
  ('train.bin',),
  'test.bin',
  (('coarse label', 20), ('fine label', 100)),
)


def _file(layout: _Layout, name: str, root: pathlib.Path) -> pathlib.Path:
  """The file `name`, in the official folder below root or in root itself."""
  for folder in (root / layout.folder, root):
    if os.path.exists(folder / name):
      return folder / name
  raise InputError(
    f'{layout.name} needs the file {name} in {root / layout.folder} or in'
    f' {root}, got neither: unpack the official binary version there, or use'
    f' tfds:{layout.name}'
  )


def _content(path: pathlib.Path) -> np.ndarray:
  try:
    return np.fromfile(path, np.uint8)
  except OSError as e:
    raise InputError(
      f'{path} must be a readable file, got {e.strerror or e}: fetch it again'
    ) from e


def _read(layout: _Layout, path: pathlib.Path) -> Split:
  """The examples of one file."""
  data, labels = _content(path), layout.labels
  record = len(labels) + _PIXELS
  if not data.size or data.size % record:
    raise InputError(
      f'{path} must hold whole records of {record:,} bytes, at least one, got'
      f' {data.size:,} bytes: it is cut short or another file, fetch it again'
    )
  rows = data.reshape(-1, record)
  for i, (kind, classes) in enumerate(labels):
    most = int(rows[:, i].max())
    if most >= classes:
      raise InputError(
        f'{path} must hold a {kind} of 0 to {classes - 1} in each record, got'
        f' {most} in record {int(rows[:, i].argmax())}: it is damaged or of'
        ' another set, fetch it again'
      )
  planes = rows[:, len(labels) :].reshape(-1, _CHANNELS, _SIZE, _SIZE)
  x = np.ascontiguousarray(planes.transpose(0, 2, 3, 1))
  return Split(x, rows[:, len(labels) - 1].astype(np.int32))


def _load(layout: _Layout, data_dir: PathLike | None) -> Dataset:
  root = folders.need(layout.name, data_dir)
  paths = [_file(layout, name, root) for name in (*layout.train, layout.test)]
  sizes = [path.stat().st_size for path in paths[:-1]]
  for path, size in zip(paths, sizes, strict=False):
    if size != max(sizes):
      raise InputError(
        f'{path} must be as long as the other training files, which have'
        f' {max(sizes):,} bytes, got {size:,}: it is cut short, fetch it again'
      )
  *parts, test = (_read(layout, path) for path in paths)
  train = Split(
    *(np.concatenate(arrays) for arrays in zip(*parts, strict=True))
  )
  return Dataset(layout.name, train, test, layout.labels[-1][1], SCALE)


def load_cifar10(data_dir: PathLike | None = None) -> Dataset:
  """CIFAR-10: 50,000 and 10,000 images [32, 32, 3] of ten classes, uint8.

  Args:
    data_dir: the folder that holds the six official binary files, or holds a
      folder `cifar-10-batches-bin` of them; None means PRUNAX_DATA_DIR.
  """
  return _load(_CIFAR10, data_dir)


def load_cifar100(data_dir: PathLike | None = None) -> Dataset:
  """CIFAR-100: as many images of a hundred classes, the fine labels.

  Args:
    data_dir: the folder that holds the two official binary files, or holds a
      folder `cifar-100-binary` of them; None means PRUNAX_DATA_DIR.
  """
  return _load(_CIFAR100, data_dir)
