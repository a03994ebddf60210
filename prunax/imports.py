"""Modules of a user's own, which register data sets and models."""

import importlib
import os
import sys
import traceback
from collections.abc import Iterable

from prunax.errors import InputError


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
    except (ModuleNotFoundError, TypeError, ValueError) as e:
      missing = getattr(e, 'name', name) or name
      if not f'{name}.'.startswith(f'{missing}.'):
        raise InputError(_failed(name, e)) from e
      raise InputError(
        f'--import must name a module, as `mine` for mine.py, got {name!r},'
        f' which is not found in {os.getcwd()} or on the PYTHONPATH: mend the'
        ' name'
      ) from e
    except Exception as e:
      raise InputError(_failed(name, e)) from e


def _failed(name: str, error: Exception) -> str:
  """Where a module that there is went wrong."""
  place = ''
  if isinstance(error, SyntaxError):
    place = f' ({error.filename}, line {error.lineno})'
  else:
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if not f.filename.startswith('<frozen')]
    place = f' ({own[-1].filename}, line {own[-1].lineno})'
  return (
    f'the module {name!r} must be importable, got'
    f' {type(error).__name__}{place}: {error}; mend it'
  )
