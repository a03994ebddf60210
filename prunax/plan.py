"""What a config asks for, checked before anything is done."""

import json
import math
import os
import pathlib
import re
from typing import Any

from prunax.errors import InputError

_ENTRIES: dict[str, type | tuple[type, ...]] = {
  'name': str,
  'seed': int,
  'model': str,
  'data': dict,
  'start': str,
  'models_dir': str,
  'stages': (tuple, list),
  'dense': dict,
  'block': int,
  'checkpoint_every': int,
  'data.name': str,
  'data.dir': str,
  'data.batch': int,
  'data.order': str,
  'data.validation': int,
  'data.constraint': int,
}
_TEACHER: dict[str, type | tuple[type, ...]] = {
  'model': str,
  'weights': str,
  'weight': (int, float),
  'temperature': (int, float),
}
# What a config may leave out, with what that means.
_DATA_DEFAULTS: dict[str, Any] = {'augment': '', 'limit': 0}
_POSITIVE = ('block', 'checkpoint_every')
_NOT_NEGATIVE = ('validation', 'constraint', 'limit')
_SAID = {str: 'a text', int: 'a whole number', dict: 'a group of entries'}

# What every generator of random numbers takes.
LARGEST_SEED = 2**31 - 1

# Names that become names of files.
_NAME = re.compile(r'[\w-]+')


def _refuse(entry: str, must: str, got: Any) -> None:
  raise InputError(
    f"the config's entry {entry!r} must be {must}, got {got!r}: mend the config"
  )


def check(config: dict[str, Any]) -> None:
  """Refuses a config whose entries are missing or of the wrong kind.

  Raises:
    InputError: naming the entry.
  """
  for entry, kind in _ENTRIES.items():
    value: Any = config
    for part in entry.split('.'):
      value = value.get(part)
    if not isinstance(value, kind) or isinstance(value, bool):
      said = _SAID[kind] if isinstance(kind, type) else 'a list of names'
      _refuse(entry, said, value)
  wanted = data_of(config)
  for entry, default in _DATA_DEFAULTS.items():
    value, kind = wanted[entry], type(default)
    if not isinstance(value, kind) or isinstance(value, bool):
      _refuse(f'data.{entry}', _SAID[kind], value)
  for entry in _POSITIVE:
    if config[entry] < 1:
      _refuse(entry, 'a whole number of at least 1', config[entry])
  for entry in _NOT_NEGATIVE:
    if wanted[entry] < 0:
      _refuse(f'data.{entry}', 'not negative', wanted[entry])
  if not 0 <= config['seed'] <= LARGEST_SEED:
    _refuse('seed', f'from 0 to {LARGEST_SEED}', config['seed'])
  if not _NAME.fullmatch(config['name']):
    _refuse('name', 'of letters, digits, - and _', config['name'])
  for name in ('dense', *config['stages']):
    if not (isinstance(name, str) and _NAME.fullmatch(name)):
      _refuse('stages', 'names of letters, digits, - and _', name)
    stage = config.get(name)
    if not isinstance(stage, dict) or 'kind' not in stage:
      raise InputError(
        f'the config must describe its stage {name!r} by an entry of that'
        f' name with a kind, got {stage!r}: add it'
      )
    steps = stage.get('steps', 1)
    if not isinstance(steps, int) or isinstance(steps, bool) or steps < 1:
      _refuse(f'{name}.steps', 'a whole number of at least 1', steps)
  if 'teacher' in config:
    _check_teacher(config['teacher'])
  try:
    json.dumps(config)
  except (TypeError, ValueError) as e:
    raise InputError(
      f'the config must hold texts, numbers, lists and groups of them, but {e}:'
      ' mend the config'
    ) from None


def data_of(config: dict[str, Any]) -> dict[str, Any]:
  """The config's entry `data`, with what it leaves out."""
  return _DATA_DEFAULTS | config['data']


def _check_teacher(teacher: Any) -> None:
  """Refuses a `teacher` whose entries are missing, foreign or out of range."""
  if not isinstance(teacher, dict):
    _refuse('teacher', _SAID[dict], teacher)
  if set(teacher) != set(_TEACHER):
    _refuse('teacher', f'a group of {", ".join(_TEACHER)}', sorted(teacher))
  for entry, kind in _TEACHER.items():
    value = teacher[entry]
    if not isinstance(value, kind) or isinstance(value, bool) or not value:
      said = 'a text' if kind is str else 'a number above 0'
      _refuse(f'teacher.{entry}', said, value)
  if not 0 < teacher['weight'] <= 1:
    _refuse('teacher.weight', 'above 0 and at most 1', teacher['weight'])
  if not 0 < teacher['temperature'] < math.inf:
    _refuse('teacher.temperature', 'a number above 0', teacher['temperature'])


def teacher_file(config: dict[str, Any]) -> pathlib.Path:
  """The file of the weights of a config's teacher, which must be at hand."""
  named = config['teacher']['weights']
  path = weights_file(config, named)
  if path is None or not path.exists():
    raise InputError(
      f'the teacher {named!r} must be at hand, got'
      f' {path or "no PRUNAX_MODELS_DIR"}: set PRUNAX_MODELS_DIR, or name a'
      ' file by --config.teacher.weights=FILE'
    )
  return path


def start_file(config: dict[str, Any]) -> pathlib.Path | None:
  """The file that the config starts from, or None to train a dense start."""
  return weights_file(config, config['start'])


def need_start_file(config: dict[str, Any]) -> pathlib.Path:
  """The file that the config starts from, which must be at hand."""
  path = start_file(config)
  if path is None or not path.exists():
    raise InputError(
      f'the config starts from {path}, which does not exist: mend'
      ' PRUNAX_MODELS_DIR, or train a dense start with --config.start='
    )
  return path


def weights_file(config: dict[str, Any], name: str) -> pathlib.Path | None:
  """Where weights lie that are named as a file or by their name alone.

  Returns:
    None for no name, and for a name alone without a folder of such files.
  """
  if not name or pathlib.Path(name).suffix:
    return pathlib.Path(name).expanduser() if name else None
  folder = config['models_dir'] or os.environ.get('PRUNAX_MODELS_DIR')
  if not folder:
    return None
  return pathlib.Path(folder).expanduser() / f'{name}.caffemodel'


def identity(config: dict[str, Any]) -> dict[str, Any]:
  """What makes a run itself: its config, without where the files lie.

  An entry of `data` that says what leaving it out says is left out.
  """
  kept = {k: v for k, v in config.items() if k != 'models_dir'}
  kept['data'] = {
    k: v
    for k, v in config['data'].items()
    if k != 'dir' and (k not in _DATA_DEFAULTS or v != _DATA_DEFAULTS[k])
  }
  kept['start'] = config['start'] if start_file(config) else ''
  if 'teacher' in config:
    name = pathlib.Path(config['teacher']['weights']).name
    kept['teacher'] = {**config['teacher'], 'weights': name}
  return kept


def stage_names(config: dict[str, Any]) -> list[str]:
  """The names of the stages, with what comes before the config's own.

  That is 'start' where the config names a file that is at hand, and 'dense',
  a training of its own, where it does not.
  """
  first = 'start' if start_file(config) else 'dense'
  return [first, *config['stages']]
