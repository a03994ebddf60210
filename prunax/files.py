"""A file that is written whole or not at all."""

import os
import pathlib
import uuid
from collections.abc import Callable
from typing import BinaryIO

from prunax.errors import InputError, reason

PathLike = str | os.PathLike[str]


def write_whole(path: PathLike, write: Callable[[BinaryIO], object]) -> None:
  """Writes a file through a temporary one beside it, which takes its place.

  A write that fails or is killed leaves the old file as it was. A link stays
  a link: the file that it leads to is replaced.

  >>> import tempfile
  >>> with tempfile.TemporaryDirectory() as folder:
  ...   path = pathlib.Path(folder) / 'a.bin'
  ...   write_whole(path, lambda file: file.write(b'all of it'))
  ...   path.read_bytes()
  b'all of it'

  Args:
    path: the file, which need not be there yet; its folder must.
    write: gets the temporary file, opened for bytes, and fills it.
  """
  # To replace a device by a file would break more than this run.
  if os.path.exists(path) and not os.path.isfile(path):
    raise InputError(
      f'{path} must be a file, got a folder or a device: choose another path'
    )
  target = pathlib.Path(os.path.realpath(path))
  temporary = target.with_name(f'.{uuid.uuid4().hex}.tmp')
  try:
    try:
      with temporary.open('xb') as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
      os.replace(temporary, target)
    finally:
      temporary.unlink(missing_ok=True)
  except OSError as e:
    raise InputError(
      f'{path} must be writable, got {reason(e)}: choose another folder or'
      ' make room'
    ) from e
