"""The command `prunax`: looks at files of weights, evaluates and packs them."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import jax
import numpy as np

from prunax import (
  costs,
  data,
  evaluation,
  lossy,
  models,
  packing,
  report,
  report_files,
  tree,
  weights,
)
from prunax.errors import InputError
from prunax.rundir import RunDir
from prunax.version import __version__

_FILE_HELP = (
  'a .prx, .npz, .safetensors or .caffemodel, or a run folder (its last'
  ' artifact)'
)
_DATA_HELP = (
  'mnist, digits, or another data set, whose test part is read, or a FILE.npz,'
  ' whose x and y are read whole'
)

_LEVELS_HELP = (
  'at most so many distinct values in each kernel and bias, zero not counted:'
  ' 12, or by rules on the names of leaves: conv.*=8,.*=12,bn.*=none'
)
_ROUND_HELP = 'round float32 values to what this type can hold'

# What a shell reports of a program that a closed pipe or Ctrl-C ended.
_BROKEN_PIPE, _INTERRUPTED = 141, 130


class _Parser(argparse.ArgumentParser):
  """A parser whose complaints look like all others of this command."""

  def error(self, message: str) -> NoReturn:
    _complain(f'{message} (try {self.prog} --help)')
    sys.exit(2)


def source(path: str) -> str:
  """The file of weights that a file or a run folder stands for."""
  if os.path.isdir(path):
    return str(RunDir(path).last_artifact())
  if not os.path.exists(path):
    raise InputError(
      f'there must be a file or a run folder {path!r}, got neither: mend the'
      ' path'
    )
  return path


def inspect(path: str) -> dict[str, Any]:
  """Every leaf of a file, and the total, as plain values."""
  file = source(path)
  loaded = weights.load(file)
  # Of other files the size is that of their format, not that of the weights.
  compressed = loaded.budget is not None
  return inspected(loaded, os.path.getsize(file) if compressed else None)


def inspected(loaded: weights.Loaded, taken: int | None) -> dict[str, Any]:
  """What `inspect` tells of weights.

  Args:
    loaded: the weights.
    taken: the bytes of the compressed file that they are from, or None.
  """
  counts = tree.count(loaded.tree)
  values = tree.distinct(loaded.tree)
  total = costs.total(counts, loaded.meta.get('sizes'))
  return {
    'leaves': costs.by_leaf(counts, values, loaded.budget),
    'total': total | costs.stored(total['size'], taken),
  }


def evaluate(
  path: str, model_name: str | None = None, data_name: str | None = None
) -> dict[str, Any]:
  """How many examples of a test set a file of weights gets right.

  Args:
    path: the file or run folder.
    model_name: the model, if the file does not record it and its shapes fit
      none.
    data_name: a data set, whose test part is read, or an `.npz` of x and y,
      which is read whole; None for the test part of what the file records.
  """
  variables, meta, _ = weights.load(source(path))
  model = _model(variables, model_name or meta.get('model'), path)
  name, examples = _examples(data_name, meta.get('data'), path)
  models.check_input(model, examples.x, name)
  if examples.y.max() >= model.classes:
    raise InputError(
      f'the labels of {name} must be below the {model.classes} classes of the'
      f' model {model.name!r}, got {examples.y.max()}: name another model or'
      ' data set'
    )
  x = examples.x.reshape(len(examples.y), *model.input_shape)
  variables = _floats(variables, path)
  guesses = evaluation.predict(model.apply, variables, x, data.scale)
  return evaluation.score(guesses, examples.y)


def pack(
  path: str, out: str, levels: str | None = None, to: str | None = None
) -> dict[str, Any]:
  """Writes what a file or run folder holds to a `.prx`."""
  return packing.pack(weights.load(source(path)), out, levels, to)


def unpack(path: str, out: str) -> dict[str, Any]:
  """Writes what a file holds to an ordinary one."""
  if weights.is_packed(out):
    raise InputError(
      f'unpack must write an .npz, .safetensors or .caffemodel, got {out}: use'
      ' pack for a .prx'
    )
  widened = packing.unpack(weights.load(source(path)), out)
  return {'bytes': os.path.getsize(out), 'widened': widened}


def _model(variables: Any, name: str | None, path: str) -> models.Model:
  if name:
    model = models.get(name)
    models.checked(model, variables, path)
    return model
  fitting = models.fitting(variables)
  known = ', '.join(models.names())
  if not fitting:
    raise InputError(
      f'{path} must fit a known model, but its leaves have the names and shapes'
      f' of none of {known}: name one with --model to see where they differ'
    )
  if len(fitting) > 1:
    raise InputError(
      f'the model must be said, since {path} does not record it and fits'
      f' several: add --model with one of {known}'
    )
  return fitting[0]


def _examples(
  asked: str | None, recorded: str | None, path: str
) -> tuple[str, data.Split]:
  """What to evaluate on, and its name."""
  if asked and asked.lower().endswith('.npz'):
    return asked, data.npz.read(data.npz.find(asked))
  name = asked or recorded
  if not name:
    raise InputError(
      f'the data set must be said, since {path} does not record it: add --data'
      ' with mnist, digits or a FILE.npz'
    )
  return name, data.load(name).test


def _floats(variables: Any, path: str) -> Any:
  """The weights in float32, if they are finite numbers."""
  with np.errstate(over='ignore'):
    for name, x in tree.named_leaves(variables).items():
      if x.dtype.kind == 'c' or not np.isfinite(x.astype(np.float32)).all():
        raise InputError(
          f'the weights of {path} must be finite real numbers, got others in'
          f' the leaf {name!r}: take the file of an earlier step'
        )
  return jax.tree.map(lambda x: x.astype(np.float32), variables)


def _parser() -> argparse.ArgumentParser:
  parser = _Parser(prog='prunax', description='Looks at pruned networks.')
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
    command.add_argument('--json', action='store_true', help='JSON on stdout')
  known = ', '.join(models.names())
  scoring.add_argument('--model', metavar='NAME', help=known)
  scoring.add_argument('--data', metavar='NAME', help=_DATA_HELP)
  _add_packing(commands)
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
    command.add_argument('--json', action='store_true', help='JSON on stdout')


def _answer(arguments: argparse.Namespace) -> str:
  if arguments.command == 'inspect':
    result = inspect(arguments.file)
    name = os.path.basename(os.path.abspath(arguments.file))
    text = report_files.leaves_text(name, result)
  elif arguments.command == 'evaluate':
    result = evaluate(arguments.file, arguments.model, arguments.data)
    text = report.score_text(result)
  elif arguments.command == 'pack':
    result = pack(
      arguments.file, arguments.out, arguments.levels, arguments.round
    )
    text = report_files.packed_text(os.path.basename(arguments.out), result)
  else:
    result = unpack(arguments.file, arguments.out)
    text = report_files.unpacked_text(arguments.out, result)
  return json.dumps(result, allow_nan=False) + '\n' if arguments.json else text


def _complain(sentence: str) -> int:
  print(f'error: {" ".join(sentence.split())}', file=sys.stderr)
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
