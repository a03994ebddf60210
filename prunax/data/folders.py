"""Where the files of the data sets lie."""

import os
import pathlib

from prunax.errors import InputError
from prunax.files import PathLike

VARIABLE = 'PRUNAX_DATA_DIR'


def find(data_dir: PathLike | None = None) -> pathlib.Path | None:
  """`data_dir`, else the folder that PRUNAX_DATA_DIR names, else None.

  >>> find('some/folder').name
  'folder'
  """
  folder = data_dir or os.environ.get(VARIABLE)
  return pathlib.Path(os.path.expanduser(folder)) if folder else None


def need(name: str, data_dir: PathLike | None = None) -> pathlib.Path:
  """The folder by `find`, for the data set `name`, which needs files."""
  folder = find(data_dir)
  if folder is None:
    raise InputError(
      f'the data set {name!r} needs the folder of its files, got none: set'
      f' {VARIABLE} or --config.data.dir to it, or use the data set'
      " 'digits', which needs no files"
    )
  return folder
