"""The command `prunax`: looks at files of weights, evaluates and packs them."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from prunax import (
  codec,
  commands,
  lossy,
  models,
  report,
  report_files,
  report_shrunk,
  shrink_command,
  shrinking,
  tables,
)
from prunax.errors import InputError
from prunax.imports import import_modules
from prunax.schedules.numbers import from_digits
from prunax.version import __version__

_FILE_HELP = (
  'a .prx, .npz, .safetensors or .caffemodel, or a run folder (its last'
  ' artifact)'
)
_DATA_HELP = (
  'mnist, digits, cifar10 or another data set, whose test part is read, or a'
  ' FILE.npz, whose x and y are read whole'
)
_IMPORT_HELP = 'a module that registers models or data sets of your own'

_SCORE_HELP = f'which channels stay: {", ".join(shrinking.SCORES)} (l2)'
_SCOPE_HELP = 'the lowest scores of all first, or the same part of each layer'
_ROUND_TO_HELP = 'layers keep a multiple of N channels'
_LATENCY_HELP = 'time both models on this machine, one example a call'
_BUDGET_HELP = (
  f'what stays of {", ".join(shrinking.BUDGETS)}, as flops=0.5; without it only'
  ' what is dead goes'
)
_LEVELS_HELP = (
  'at most so many distinct values in each kernel and bias, zero not counted:'
  ' 12, or by rules on the names of leaves: bn.*=none,conv.*=8,.*=12'
)
_BYTES_HELP = (
  'how large the arrays of a .prx may be in all, in bytes, lest a small file'
  f' fill the memory: {codec.MOST_BYTES} unless said'
)
_ROUND_HELP = 'round float32 values to what this type can hold'

# What a shell reports of a program that a closed pipe or Ctrl-C ended.
_BROKEN_PIPE, _INTERRUPTED = 141, 130


class _Parser(argparse.ArgumentParser):
  """A parser whose complaints look like all others of this command."""

  def error(self, message: str) -> NoReturn:
    _complain(f'{message} (try {self.prog} --help)')
    sys.exit(2)


def _parser() -> argparse.ArgumentParser:
  parser = _Parser(
    prog='prunax', description='Looks at, packs and cuts pruned networks.'
  )
  parser.add_argument('--version', action='version', version=__version__)
  commands = parser.add_subparsers(
    dest='command', metavar='COMMAND', required=True
  )
  looking = commands.add_parser(
    'inspect', help='how many weights of every leaf are alive'
  )
  scoring = commands.add_parser('evaluate', help='accuracy on a test set')
  for command in (looking, scoring):
    command.add_argument('file', metavar='FILE', help=_FILE_HELP)
    _add_common(command)
  known = ', '.join(models.names())
  scoring.add_argument('--model', metavar='NAME', help=known)
  scoring.add_argument('--data', metavar='NAME', help=_DATA_HELP)
  _add_import(scoring)
  _add_packing(commands)
  _add_shrinking(commands)
  return parser


def _add_packing(commands: Any) -> None:
  packing_it = commands.add_parser(
    'pack', help='write weights to a .prx, as few bytes as they need'
  )
  packing_it.add_argument('file', metavar='SRC', help=_FILE_HELP)
  packing_it.add_argument('out', metavar='OUT.prx', help='the file to write')
  packing_it.add_argument('--levels', metavar='RULES', help=_LEVELS_HELP)
  packing_it.add_argument(
    '--round', metavar='TYPE', choices=lossy.ROUNDINGS, help=_ROUND_HELP
  )
  unpacking = commands.add_parser('unpack', help='write an ordinary file')
  unpacking.add_argument('file', metavar='IN.prx', help=_FILE_HELP)
  unpacking.add_argument(
    'out', metavar='OUT', help='an .npz, .safetensors or .caffemodel to write'
  )
  for command in (packing_it, unpacking):
    _add_common(command)


def _add_shrinking(commands: Any) -> None:
  cutting = commands.add_parser(
    'shrink', help='cut channels: smaller arrays, the same outputs'
  )
  cutting.add_argument('file', metavar='SRC', help=_FILE_HELP)
  cutting.add_argument(
    'out', metavar='OUT', help='an .npz, .safetensors or .prx to write'
  )
  cutting.add_argument('--budget', metavar='WHAT=PART', help=_BUDGET_HELP)
  cutting.add_argument('--score', default='l2', help=_SCORE_HELP)
  cutting.add_argument(
    '--scope', default='global', choices=shrinking.SCOPES, help=_SCOPE_HELP
  )
  cutting.add_argument(
    '--round-to', metavar='N', type=_whole, default=1, help=_ROUND_TO_HELP
  )
  cutting.add_argument(
    '--model', metavar='NAME', help=', '.join(models.names())
  )
  cutting.add_argument('--latency', action='store_true', help=_LATENCY_HELP)
  _add_import(cutting)
  _add_common(cutting)


def _add_import(command: argparse.ArgumentParser) -> None:
  command.add_argument(
    '--import',
    metavar='MODULE',
    dest='modules',
    action='append',
    default=[],
    help=_IMPORT_HELP,
  )


def _whole(text: str) -> int:
  found = from_digits(text)
  if not found:
    raise argparse.ArgumentTypeError(
      f'must be a whole number of at least 1, got {text!r:.80}'
    )
  return found


def _add_common(command: argparse.ArgumentParser) -> None:
  command.add_argument('--json', action='store_true', help='JSON on stdout')
  command.add_argument(
    '--max-bytes',
    metavar='N',
    type=_bytes,
    default=codec.MOST_BYTES,
    help=_BYTES_HELP,
  )


def _bytes(text: str) -> int:
  found = from_digits(text)
  if found is None:
    raise argparse.ArgumentTypeError(
      f'must be a whole number of bytes, got {text!r:.80}'
    )
  return found


def _answer(arguments: argparse.Namespace) -> str:
  most = arguments.max_bytes
  if arguments.command == 'inspect':
    result = commands.inspect(arguments.file, most)
    name = os.path.basename(os.path.abspath(arguments.file))
    text = report_files.leaves_text(name, result)
  elif arguments.command == 'evaluate':
    import_modules(arguments.modules)
    result = commands.evaluate(
      arguments.file, arguments.model, arguments.data, most
    )
    text = report.score_text(result)
  elif arguments.command == 'pack':
    result = commands.pack(
      arguments.file, arguments.out, arguments.levels, arguments.round, most
    )
    text = report_files.packed_text(os.path.basename(arguments.out), result)
  elif arguments.command == 'shrink':
    import_modules(arguments.modules)
    result = shrink_command.shrink(
      arguments.file,
      arguments.out,
      arguments.budget,
      arguments.score,
      arguments.scope,
      arguments.round_to,
      arguments.model,
      most,
      arguments.latency,
    )
    text = report_shrunk.shrunk_text(os.path.basename(arguments.out), result)
  else:
    result = commands.unpack(arguments.file, arguments.out, most)
    text = report_files.unpacked_text(arguments.out, result)
  return json.dumps(result, allow_nan=False) + '\n' if arguments.json else text


def _complain(sentence: str) -> int:
  words = tables.plain(' '.join(sentence.split()))
  print(f'error: {words}', file=sys.stderr)
  return 1


def _say(text: str) -> int:
  """Prints the answer; the exit code tells whether it could be written."""
  try:
    print(text, end='', flush=True)
  except OSError as e:
    # Python flushes once more as it ends: what is left must go somewhere.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(e, BrokenPipeError):
      return _BROKEN_PIPE
    return _complain(f'the output must be writable, got {e.strerror}')
  return 0


def main(argv: Sequence[str] | None = None) -> int:
  """The console script; 0, or 1 for bad input, or 2 for wrong usage."""
  arguments = _parser().parse_args(argv)
  try:
    return _say(_answer(arguments))
  except InputError as e:
    return _complain(str(e))
  except KeyboardInterrupt:
    return _INTERRUPTED


if __name__ == '__main__':
  sys.exit(main())
