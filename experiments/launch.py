"""What the binaries share: flags to a run, errors to sentences."""

import inspect
import os
import pathlib
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import ml_collections
from absl import flags, logging
from ml_collections import ConfigDict

from prunax.errors import InputError
from prunax.imports import import_modules
from prunax.runs import Run

_IMPORT = flags.DEFINE_multi_string(
  'import', [], 'A module that registers data sets or models of your own.'
)

# A frame from elsewhere is the config's own.
_PARSERS = (
  '<frozen',
  __file__,
  str(pathlib.Path(inspect.getfile(flags)).parent),
  str(pathlib.Path(inspect.getfile(ml_collections)).parent),
)


def parse_flags(argv: Sequence[str]) -> list[str]:
  """Parses the flags.

  A mistake in them is one sentence and exit code 2; one in the config's file
  is a sentence that names the place, and exit code 1.
  """
  try:
    remaining = flags.FLAGS(argv)
    is_config = isinstance(flags.FLAGS.config, ConfigDict)
  except OSError as e:
    leave(
      f'--config must name a file that can be read, got {_config_file(argv)}'
      f' ({e.strerror or e}): choose a file of configs/',
      1,
    )
  except flags.Error as e:
    if 'parsing config file' not in str(e):
      leave(f'{e} (--help lists the flags)', 2)
    # The parser wraps twice what the config raised.
    wrapped = e.__context__
    _refuse_config(wrapped.__context__ if wrapped else None, argv)
  except Exception as e:
    _refuse_config(e, argv)
  if not is_config:
    leave(
      '--config must name a file whose get_config gives a ConfigDict, got'
      f' {_config_file(argv)}: choose a file of configs/',
      1,
    )
  if not flags.FLAGS['verbosity'].present:
    # What the packages below tell of each checkpoint, also of one that they
    # could not write, is not for this reader: our sentence says it.
    logging.set_verbosity(logging.FATAL)
  return remaining


def _config_file(argv: Sequence[str]) -> str:
  """The file that the command line names."""
  for i, word in enumerate(argv):
    name, _, value = word.lstrip('-').partition('=')
    if name == 'config':
      return value or ' '.join(argv[i + 1 : i + 2]) or 'none'
  return 'none'


def _refuse_config(
  error: BaseException | None, argv: Sequence[str]
) -> NoReturn:
  """Says what is wrong in the config's file, or in a flag that changes it."""
  if isinstance(error, SyntaxError):
    leave(f'{error.filename}, line {error.lineno}: {error.msg}', 1)
  frames = traceback.extract_tb(error.__traceback__) if error else []
  own = [f for f in frames if not f.filename.startswith(_PARSERS)]
  message: Any = error
  while isinstance(message, BaseException):
    message = message.args[0] if message.args else type(message).__name__
  if own:
    place = f'{own[-1].filename}, line {own[-1].lineno}'
    kind = '' if isinstance(error, ValueError) else f'{type(error).__name__}: '
    leave(f'the config cannot be made ({place}): {kind}{message}', 1)
  if isinstance(error, (AttributeError, KeyError)) and (
    'get_config' not in str(message)
  ):
    leave(f'a flag must name an entry of the config, got {message}', 2)
  leave(f'the config cannot be made of {_config_file(argv)}: {message}', 1)


def refuse_arguments(argv: Sequence[str]) -> None:
  """All is said by flags."""
  if len(argv) > 1:
    leave(f'only flags are understood, got {" ".join(argv[1:])}', 2)


def need_workdir(workdir: str | None) -> None:
  """Refuses no name at all, which would mean the current folder."""
  if not workdir:
    leave('--workdir must name a folder, got nothing', 2)


def make_run(config: ConfigDict, workdir: str | None) -> Run:
  """The run of a config in its folder."""
  need_workdir(workdir)
  import_modules(_IMPORT.value)
  return Run(config.to_dict(), str(workdir))


def guarded(main: Callable[[], Any]) -> None:
  """Calls main; a user's mistake ends it with one sentence and exit code 1."""
  # Where nothing can be lost yet, a run does not listen for signals itself.
  signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
  try:
    main()
  except InputError as e:
    leave(str(e), 1)
  except KeyboardInterrupt:
    sys.exit(128 + signal.SIGINT)
  except OSError as e:
    # Python flushes once more as it ends: what is left must go somewhere.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    leave(
      f'{e.filename or "the output"} must be readable and writable, but'
      f' {e.strerror}: mend this and run the same command again',
      1,
    )


def leave(sentence: str, code: int) -> NoReturn:
  """Says one sentence on stderr and exits."""
  line = ' '.join(sentence.split())
  print(f'error: {line}', file=sys.stderr)
  sys.exit(code)
