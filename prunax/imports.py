"""Modules of a user's own, which register data sets and models."""

import importlib
import os
import sys
import traceback
from collections.abc import Iterable

from prunax.errors import InputError, reason


def import_modules(names: Iterable[str]) -> None:
  """Imports modules by name, from the current folder too.

  >>> import_modules(['json'])

  Args:
    names: such as `mine` for a file `mine.py`, or `mine.data`.

  Raises:
    InputError: if there is no such module, or it fails.
  """
  for name in names:
    # A console script does not look there by itself, `python -m` does.
    if os.getcwd() not in sys.path:
      sys.path.insert(0, os.getcwd())
    try:
      importlib.import_module(name)
    except Exception as e:
      if not _is_missing(name, e):
        raise InputError(_failed(name, e)) from e
      raise InputError(
        f'--import must name a module, such as mine for mine.py, got {name!r},'
        f' which is neither in {os.getcwd()} nor on the PYTHONPATH: mend it'
      ) from e


def _is_missing(name: str, error: Exception) -> bool:
  """Whether the module itself is missing, not something that it wants."""
  if not all(part.isidentifier() for part in name.split('.')):
    return True
  missing = error.name if isinstance(error, ModuleNotFoundError) else None
  return missing is not None and f'{name}.'.startswith(f'{missing}.')


def _failed(name: str, error: Exception) -> str:
  """Where a module that there is went wrong."""
  if isinstance(error, SyntaxError):
    file, line = error.filename, error.lineno
  else:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    file, line = frame.filename, frame.lineno
  return (
    f'the module {name!r} of --import must not fail, got'
    f' {type(error).__name__} in {file}, line {line}: {reason(error)}; mend it'
  )
