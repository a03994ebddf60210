"""A dense start that another run has trained already."""

import json
import shutil
from typing import Any

from prunax.errors import InputError
from prunax.files import PathLike, write_whole
from prunax.rundir import RunDir, read_json

# What a dense training depends on.
_SAME = ('seed', 'model', 'data', 'dense', 'start')


def take(source: PathLike, folder: RunDir, identity: dict[str, Any]) -> None:
  """Copies the dense start of another run, if the run has none of its own yet.

  The other run must have trained it as this one would: then nothing changes
  but the time that it takes.

  Args:
    source: the other run's folder.
    folder: the run's own, opened.
    identity: what makes the run itself.
  """
  target = folder.artifact(0, 'dense')
  if target.exists():
    return
  other = RunDir(source)
  theirs = read_json(other.config, 'name the folder of a run')
  ours = json.loads(json.dumps(identity))
  different = [key for key in _SAME if theirs.get(key) != ours.get(key)]
  if different:
    raise InputError(
      f'the run in {source} must have the same {", ".join(_SAME)}, but it'
      f' differs in {", ".join(different)}: name a run of the same dense start'
    )
  path = other.artifact(0, 'dense')
  if not path.exists():
    raise InputError(
      f'the run in {source} must have trained its dense start, got none yet:'
      ' end it first'
    )
  with path.open('rb') as file:
    write_whole(target, lambda to: shutil.copyfileobj(file, to))
