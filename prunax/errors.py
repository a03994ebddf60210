"""The one error that a user's mistake raises, and what damage raises."""

import zipfile
import zlib


class InputError(ValueError):
  """What must hold, what was got, for which file or leaf, and what to do.

  The binaries print its message as one sentence, without a traceback; in a
  notebook it is an ordinary `ValueError`.
  """


def reason(e: BaseException) -> str:
  """What an exception says, in one line.

  >>> reason(FileNotFoundError(2, 'No such file or directory', 'a.npz'))
  'No such file or directory'
  >>> reason(EOFError())
  'EOFError'
  """
  text = str(getattr(e, 'strerror', None) or e).split('\n')[0]
  return text or type(e).__name__


# What NumPy and zipfile raise for an entry that is cut short or damaged.
NPZ_DAMAGE = (
  EOFError,
  MemoryError,
  NotImplementedError,
  OSError,
  OverflowError,
  RuntimeError,
  SyntaxError,
  TypeError,
  ValueError,
  zipfile.BadZipFile,
  zlib.error,
)
