"""The run folder: where each file lies, and which run it belongs to."""

import contextlib
import json
import os
import pathlib
import re
import shutil
from collections.abc import Iterator
from typing import Any

from prunax import locks
from prunax.errors import InputError
from prunax.files import PathLike
from prunax.version import __version__

_ARTIFACT = re.compile(r'(\d+)-([\w-]+)\.npz')

# Tells a run's config.json from that of any other program.
_MARK = 'prunax'


class RunDir:
  """The files of one run.

  `config.json` tells which run it is, `metrics.jsonl` and `events/` how it
  went, `checkpoints/` from where it goes on, `artifacts/` what each stage
  gave, `model.prx` the last of them in few bytes, `predictions.npz` and
  `summary.json` how it ended.
  """

  def __init__(self, path: PathLike):
    self.path = pathlib.Path(path)
    self.config = self.path / 'config.json'
    self.metrics = self.path / 'metrics.jsonl'
    self.events = self.path / 'events'
    self.checkpoints = self.path / 'checkpoints'
    self.artifact_folder = self.path / 'artifacts'
    self.predictions = self.path / 'predictions.npz'
    self.packed = self.path / 'model.prx'
    self.teacher = self.path / 'teacher.npz'
    self.summary = self.path / 'summary.json'

  def artifact(self, stage: int, name: str) -> pathlib.Path:
    """Where the result of a stage lies, or will."""
    return self.artifact_folder / f'{stage}-{name}.npz'

  def artifacts(self) -> list[pathlib.Path]:
    """The results of all stages that ended, first to last."""
    if not self.artifact_folder.is_dir():
      return []
    found = []
    for path in self.artifact_folder.iterdir():
      match = _ARTIFACT.fullmatch(path.name)
      if match:
        found.append((int(match[1]), path))
    return [path for _, path in sorted(found)]

  def last_artifact(self) -> pathlib.Path:
    """What the run folder stands for when a file is asked for."""
    artifacts = self.artifacts()
    if not artifacts:
      raise InputError(
        f'the folder {self.path} must hold the artifact of a run, got none:'
        ' name a run folder whose first stage has ended, or a file'
      )
    return artifacts[-1]

  def read_summary(self) -> dict[str, Any] | None:
    """The summary of a finished run, or None."""
    if not self.summary.exists():
      return None
    return read_json(self.summary, 'remove it and run the same command again')

  @contextlib.contextmanager
  def held(self) -> Iterator[None]:
    """Keeps other processes out of the folder, which must be a run's or new."""
    with writing(self.path):
      self._owner()
      self.path.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
      with writing(self.path):
        stack.enter_context(locks.locked(self.path))
      yield

  def open(self, identity: dict[str, Any], overwrite: bool) -> None:
    """Makes the folder this run's, or finds that it is already.

    Args:
      identity: what makes this run itself: its config, without what may
        change between two sittings.
      overwrite: remove an earlier run's files first.

    Raises:
      InputError: if the folder holds another run, or other files.
    """
    with writing(self.path):
      theirs = self._owner()
      if theirs and overwrite:
        self._clear()
      elif theirs:
        self._compare(theirs, identity)
      if not self.config.exists():
        # First of all, so that a kill leaves a folder that is known again.
        self.path.mkdir(parents=True, exist_ok=True)
        write_json(self.config, {_MARK: __version__, **identity})
      self.artifact_folder.mkdir(exist_ok=True)
      self.checkpoints.mkdir(exist_ok=True)

  def check(self, identity: dict[str, Any]) -> None:
    """Refuses a folder that belongs to another run; nothing is written."""
    theirs = self._owner()
    if theirs:
      self._compare(theirs, identity)

  def _owner(self) -> dict[str, Any] | None:
    """The config of the run in the folder, None if there is nothing."""
    if not self.path.exists():
      return None
    if not self.path.is_dir():
      raise InputError(
        f'{self.path} must be a folder, got a file: name another --workdir'
      )
    if self.config.exists():
      config = read_json(self.config, 'name another --workdir')
      if isinstance(config, dict) and _MARK in config:
        return config
    elif {x.name for x in self.path.iterdir()} <= {
      _draft(self.config).name,
      locks.NAME,
    }:
      return None
    raise InputError(
      f'the folder {self.path} must be empty or belong to a run, but it has'
      " files and no run's config.json: name another --workdir"
    )

  def _compare(self, theirs: dict[str, Any], identity: dict[str, Any]) -> None:
    there = _flat({k: v for k, v in theirs.items() if k != _MARK})
    here = _flat(json.loads(json.dumps(identity)))
    different = [
      f'{key} ({there.get(key)!r} there, {here.get(key)!r} here)'
      for key in sorted(there.keys() | here.keys())
      if there.get(key) != here.get(key)
    ]
    if different:
      more = f' and {len(different) - 3} more' if len(different) > 3 else ''
      raise InputError(
        f'the folder {self.path} belongs to a run of another config: it'
        f' differs in {", ".join(different[:3])}{more}; name another'
        ' --workdir, or start anew with --overwrite'
      )

  def _clear(self) -> None:
    # The summary first and the config last: killed on the way, this is no
    # finished run without artifacts and no folder of unknown files.
    self.summary.unlink(missing_ok=True)
    for folder in (self.events, self.checkpoints, self.artifact_folder):
      shutil.rmtree(folder, ignore_errors=True)
    for file in (
      self.predictions,
      self.packed,
      self.teacher,
      self.metrics,
      self.config,
    ):
      file.unlink(missing_ok=True)


def _flat(value: Any, above: str = '') -> dict[str, Any]:
  if not isinstance(value, dict):
    return {above: value}
  found: dict[str, Any] = {}
  for name, inner in value.items():
    found |= _flat(inner, f'{above}.{name}' if above else name)
  return found


@contextlib.contextmanager
def writing(path: pathlib.Path) -> Iterator[None]:
  """Makes one sentence of a write that fails."""
  try:
    yield
  except OSError as e:
    raise InputError(
      f'{path} must be writable, but {e.strerror or e}: make room or name'
      ' another folder'
    ) from e


def read_json(path: pathlib.Path, advice: str) -> Any:
  """A JSON file, or one sentence about what is wrong with it."""
  try:
    return json.loads(path.read_text())
  except (OSError, ValueError) as e:
    raise InputError(
      f'{path} must be a JSON file, but it cannot be read ({e}): {advice}'
    ) from e


def _draft(path: pathlib.Path) -> pathlib.Path:
  return path.with_name(f'{path.name}.tmp')


def write_text(path: pathlib.Path, text: str) -> None:
  """Writes a text file whole or not at all."""
  draft = _draft(path)
  with writing(path):
    try:
      draft.write_text(text)
      os.replace(draft, path)
    finally:
      draft.unlink(missing_ok=True)


def write_json(path: pathlib.Path, value: Any) -> None:
  """Writes a JSON file whole or not at all."""
  write_text(path, json.dumps(value, indent=1) + '\n')
