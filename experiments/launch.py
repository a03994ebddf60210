"""What the binaries share: flags to a run, errors to sentences."""

import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from absl import flags
from ml_collections import ConfigDict

from prunax.errors import InputError
from prunax.runs import Run


def parse_flags(argv: Sequence[str]) -> list[str]:
  """Parses the flags; a mistake in them is one sentence and exit code 2."""
  try:
    return flags.FLAGS(argv)
  except flags.Error as e:
    leave(f'{e} (--help lists the flags)', 2)
  except FileNotFoundError as e:
    leave(
      f'--config must name an experiment, got {e.filename or e}: choose a file'
      ' of configs/',
      1,
    )
  except (AttributeError, KeyError, TypeError, ValueError) as e:
    message = e.args[0] if e.args else e
    leave(f'the config cannot be made as asked: {message}', 1)


def refuse_arguments(argv: Sequence[str]) -> None:
  """All is said by flags."""
  if len(argv) > 1:
    leave(f'only flags are understood, got {" ".join(argv[1:])}', 2)


def make_run(config: ConfigDict, workdir: str) -> Run:
  """The run of a config in its folder."""
  return Run(config.to_dict(), workdir)


def guarded(main: Callable[[], Any]) -> None:
  """Calls main; a user's mistake ends it with one sentence and exit code 1."""
  try:
    main()
  except InputError as e:
    leave(str(e), 1)


def leave(sentence: str, code: int) -> NoReturn:
  """Says one sentence on stderr and exits."""
  line = ' '.join(sentence.split())
  print(f'error: {line}', file=sys.stderr)
  sys.exit(code)
