"""A folder in which one process works at a time."""

import contextlib
import os
import pathlib
from collections.abc import Iterator

from prunax.errors import InputError

NAME = '.lock'


@contextlib.contextmanager
def locked(folder: pathlib.Path) -> Iterator[None]:
  """Holds the folder for this process, which its end gives back, even a kill.

  The file stays: to remove it would let two processes lock two of that name.
  Where the system or its disk has no such locks, there is none.

  Raises:
    InputError: if another process holds it.
  """
  try:
    import fcntl
  except ImportError:
    yield
    return
  with (folder / NAME).open('a+') as file:
    try:
      fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
      file.seek(0)
      raise InputError(
        f'the folder {folder} is in use by process {file.read().strip()}: wait,'
        ' or name another --workdir'
      ) from None
    except OSError:
      pass
    else:
      file.truncate(0)
      file.write(f'{os.getpid()}\n')
      file.flush()
    yield
