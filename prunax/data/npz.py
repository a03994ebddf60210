"""A user's own data: an `.npz` of `x` and `y`."""

import os
import pathlib
import zipfile

import numpy as np

from prunax.data import folders
from prunax.data.types import Dataset, Split, checked, checked_dataset
from prunax.errors import NPZ_DAMAGE, InputError, reason
from prunax.files import PathLike


def _arrays(path: pathlib.Path, *wanted: str) -> dict[str, np.ndarray | None]:
  """The wanted arrays of an `.npz`, and None for every other entry."""
  name = ''
  try:
    with path.open('rb') as file:
      if not zipfile.is_zipfile(file):
        raise zipfile.BadZipFile('a file that is cut short or no zip file')
      file.seek(0)
      with np.load(file, allow_pickle=False) as entries:
        found = dict.fromkeys(entries.files)
        for name in wanted:
          if name in found:
            found[name] = np.asarray(entries[name])
  except NPZ_DAMAGE as e:
    entry = f' with a readable entry {name!r}' if name else ''
    raise InputError(
      f'{path} must be a whole .npz file{entry}, got {reason(e)}: write it'
      ' again with np.savez(FILE, x=x, y=y)'
    ) from e
  return found


def _split(
  arrays: dict[str, np.ndarray | None], path: pathlib.Path, end: str = ''
) -> Split:
  x, y = arrays.get(f'x{end}'), arrays.get(f'y{end}')
  if x is None or y is None:
    raise InputError(
      f"{path} must hold the entries 'x{end}' and 'y{end}', got"
      f' {sorted(arrays)}: write it again with np.savez(FILE, x=x, y=y)'
    )
  return checked(Split(x, y), f'{path} (x{end}, y{end})')


def read(path: PathLike) -> Split:
  """All examples `x` and labels `y` of an `.npz` file.

  Args:
    path: a file of x, [n, height, width, channels], [n, height, width] or
      [n, features], uint8 or floating, and y, [n] integers from 0.
  """
  path = pathlib.Path(path)
  return _split(_arrays(path, 'x', 'y'), path)


def find(name: str, data_dir: PathLike | None = None) -> pathlib.Path:
  """The file `name`, from the current folder or else from the data folder."""
  root = folders.find(data_dir)
  here = pathlib.Path(os.path.expanduser(name))
  there = root / name if root else here
  if not os.path.exists(here) and not os.path.exists(there):
    places = here if there == here else f'{here} or {there}'
    raise InputError(
      f'the data set {name!r} must be an .npz file, got no file {places}: mend'
      ' the path'
    )
  return here if os.path.exists(here) else there


def load(name: str, data_dir: PathLike | None = None) -> Dataset:
  """A data set from an `.npz` file of `x`, `y`, and maybe `x_test`, `y_test`.

  Without `x_test` and `y_test` the last tenth of the examples, at least one,
  is the test set: shuffle the examples before you store them.

  Args:
    name: the file's path, from the current folder or from `data_dir`.
    data_dir: a folder, or None for PRUNAX_DATA_DIR, if that is set.
  """
  path = find(name, data_dir)
  arrays = _arrays(path, 'x', 'y', 'x_test', 'y_test')
  train = _split(arrays, path)
  if 'x_test' in arrays or 'y_test' in arrays:
    test = _split(arrays, path, '_test')
  else:
    if len(train.y) < 2:
      raise InputError(
        f'{path} must hold at least two examples, got {len(train.y)}: add some,'
        " or 'x_test' and 'y_test'"
      )
    tail = max(1, len(train.y) // 10)
    test = Split(train.x[-tail:], train.y[-tail:])
    train = Split(train.x[:-tail], train.y[:-tail])
  classes = 1 + max(int(part.y.max(initial=0)) for part in (train, test))
  return checked_dataset(Dataset(name, train, test, classes), str(path))
