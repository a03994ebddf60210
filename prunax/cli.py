"""The command `prunax`: looks at files of weights and evaluates them."""

import argparse
import json
import os
import pathlib
import sys
from collections.abc import Sequence
from typing import Any

from prunax import convert, costs, data, models, report, train, tree
from prunax.errors import InputError
from prunax.rundir import RunDir
from prunax.version import __version__

_FILE_HELP = 'a .caffemodel, an .npz, or a run folder (its last artifact)'


def open_source(path: str) -> convert.Loaded:
  """The weights that a file or a run folder stands for."""
  if os.path.isdir(path):
    return convert.load(RunDir(path).last_artifact())
  return convert.load(path)


def inspect(path: str) -> dict[str, Any]:
  """Every leaf of a file, and the total, as plain values."""
  loaded = open_source(path)
  counts = tree.count(loaded.tree)
  return {
    'leaves': costs.by_leaf(counts),
    'total': costs.total(counts, loaded.meta.get('sizes')),
  }


def evaluate(
  path: str, model_name: str | None, data_name: str | None
) -> dict[str, Any]:
  """How many examples of a test set a file of weights gets right.

  Args:
    path: the file or run folder.
    model_name: the model, if the file does not record it and its shapes fit
      none.
    data_name: a data set, whose test part is read, or an `.npz` of x and y,
      which is read whole.
  """
  variables, meta = open_source(path)
  model = _model(variables, model_name or meta.get('model'), path)
  name = data_name or meta.get('data')
  if not name:
    raise InputError(
      f'the data set must be said, since {path} does not record it: add --data'
      ' with mnist, digits or a FILE.npz'
    )
  examples = (
    data.npz.read(name) if name.endswith('.npz') else data.load(name).test
  )
  models.check_input(model, examples.x, name)
  guesses = train.predict(model.apply, variables, examples.x, data.scale)
  return train.score(guesses, examples.y)


def _model(variables: Any, name: str | None, path: str) -> models.Model:
  if name:
    model = models.get(name)
    models.checked(model, variables, path)
    return model
  fitting = models.fitting(variables)
  if len(fitting) != 1:
    raise InputError(
      f'the model must be said, since {path} does not record it and fits'
      f' {len(fitting)} of the known ones: add --model with one of'
      f' {", ".join(models.names())}'
    )
  return fitting[0]


def _parser() -> argparse.ArgumentParser:
  parser = argparse.ArgumentParser(
    prog='prunax', description='Looks at pruned networks.'
  )
  parser.add_argument('--version', action='version', version=__version__)
  commands = parser.add_subparsers(dest='command', required=True)

  looking = commands.add_parser(
    'inspect', help='how many weights of every leaf are alive'
  )
  looking.add_argument('file', metavar='FILE', help=_FILE_HELP)
  looking.add_argument('--json', action='store_true', help='JSON on stdout')

  scoring = commands.add_parser('evaluate', help='accuracy on a test set')
  scoring.add_argument('file', metavar='FILE', help=_FILE_HELP)
  scoring.add_argument('--model', metavar='NAME', help='lenet5, lenet300100')
  scoring.add_argument(
    '--data', metavar='NAME', help='mnist, digits, or a FILE.npz of x and y'
  )
  scoring.add_argument('--json', action='store_true', help='JSON on stdout')
  return parser


def _run(arguments: argparse.Namespace) -> str:
  if arguments.command == 'inspect':
    result = inspect(arguments.file)
    text = report.leaves_text(pathlib.Path(arguments.file).name, result)
  else:
    result = evaluate(arguments.file, arguments.model, arguments.data)
    text = (
      f'{result["accuracy"]:.2%} right: {result["errors"]} errors in'
      f' {result["count"]}\n'
    )
  return json.dumps(result) + '\n' if arguments.json else text


def main(argv: Sequence[str] | None = None) -> int:
  """The console script; 0, or 1 for bad input, or 2 for wrong usage."""
  arguments = _parser().parse_args(argv)
  try:
    sys.stdout.write(_run(arguments))
  except InputError as e:
    print(f'error: {e}', file=sys.stderr)
    return 1
  return 0


if __name__ == '__main__':
  sys.exit(main())
