"""Data sets by name."""

from collections.abc import Callable
from pathlib import Path

from prunax.data import cifar, digits, folders, mnist, npz, prepared
from prunax.data.types import Dataset, checked_dataset
from prunax.errors import InputError
from prunax.files import PathLike

Loader = Callable[[Path | None], Dataset]

_TFDS = 'tfds:'
_OWN: dict[str, Loader] = {
  'mnist': mnist.load,
  'digits': digits.load,
  'cifar10': cifar.load_cifar10,
  'cifar100': cifar.load_cifar100,
}
_REGISTERED: dict[str, Loader] = {}


def register(name: str, loader: Loader) -> None:
  """Makes a data set of your own known by name, to `load` and to configs.

  Registering a name again replaces its loader.

  >>> import numpy as np
  >>> from prunax.data.types import Split
  >>> ones = Split(np.ones((3, 8), np.float32), np.array([0, 1, 2]))
  >>> register('ones', lambda data_dir: Dataset('ones', ones, ones, 3))
  >>> load('ones').test.y
  array([0, 1, 2], dtype=int32)

  Args:
    name: any name that is not taken by prunax itself.
    loader: gets the data folder (None where none is set), gives the data set.
  """
  if not name or name in _OWN or name.startswith(_TFDS) or _is_npz(name):
    raise InputError(
      'the name of a data set of your own must not be empty, one of'
      f' {", ".join(_OWN)}, begin with {_TFDS} or end in .npz, got {name!r}:'
      ' choose another name'
    )
  _REGISTERED[name] = loader


def _is_npz(name: str) -> bool:
  return name.lower().endswith('.npz')


def load(name: str, data_dir: PathLike | None = None) -> Dataset:
  """A data set by name.

  Args:
    name: `mnist`, `digits`, `cifar10`, `cifar100`, a registered name,
      `tfds:NAME` for a set that tensorflow-datasets has prepared as
      ArrayRecord, or the path of an `.npz` file.
    data_dir: the folder of the data; None means PRUNAX_DATA_DIR.

  Returns:
    Images [n, height, width, channels] or features [n, d], uint8 or floating,
    and int32 labels.
  """
  root = folders.find(data_dir)
  loaders = _OWN | _REGISTERED
  if name in loaders:
    dataset = loaders[name](root)
    if not isinstance(dataset, Dataset):
      raise InputError(
        f'the loader of {name!r} must give a prunax.data.Dataset, got'
        f' {type(dataset).__name__}: mend the loader'
      )
    return checked_dataset(dataset, name)
  if name.startswith(_TFDS):
    return prepared.load(name.removeprefix(_TFDS), root)
  if _is_npz(name):
    return npz.load(name, root)
  known = ', '.join([*loaders, f'{_TFDS}NAME', 'FILE.npz'])
  raise InputError(
    f'a data set must be one of {known}, got {name!r}: choose one of them'
  )
