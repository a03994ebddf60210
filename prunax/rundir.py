"""The run folder: where each file lies, and which run it belongs to."""

import json
import os
import pathlib
import re
import shutil
from typing import Any

from prunax.errors import InputError

_ARTIFACT = re.compile(r'(\d+)-([\w-]+)\.npz')


class RunDir:
  """The files of one run.

  `config.json` tells which run it is, `metrics.jsonl` and `events/` how it
  went, `checkpoints/` from where it goes on, `artifacts/` what each stage
  gave, `predictions.npz` and `summary.json` how it ended.
  """

  def __init__(self, path: str | os.PathLike[str]):
    self.path = pathlib.Path(path)
    self.config = self.path / 'config.json'
    self.metrics = self.path / 'metrics.jsonl'
    self.events = self.path / 'events'
    self.checkpoints = self.path / 'checkpoints'
    self.artifact_folder = self.path / 'artifacts'
    self.predictions = self.path / 'predictions.npz'
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
    return read_json(self.summary) if self.summary.exists() else None

  def open(self, identity: dict[str, Any], overwrite: bool) -> None:
    """Makes the folder this run's, or finds that it is already.

    Args:
      identity: what makes this run itself: its config, without what may
        change between two sittings.
      overwrite: remove an earlier run's files first.

    Raises:
      InputError: if the folder holds another run, or other files.
    """
    if self.path.exists() and not self.path.is_dir():
      raise InputError(
        f'{self.path} must be a folder, got a file: name another --workdir'
      )
    strangers = self.path.is_dir() and any(self.path.iterdir())
    if strangers and not self.config.exists():
      raise InputError(
        f'the folder {self.path} must be empty or belong to a run, but it has'
        ' files and no config.json: name another --workdir'
      )
    if overwrite:
      self._clear()
    if self.config.exists():
      self._compare(identity)
      return
    try:
      self.artifact_folder.mkdir(parents=True, exist_ok=True)
      self.checkpoints.mkdir(exist_ok=True)
      write_json(self.config, identity)
    except OSError as e:
      raise InputError(
        f'the folder {self.path} must be writable, but {e.strerror}: name'
        ' another --workdir or make room'
      ) from e

  def _compare(self, identity: dict[str, Any]) -> None:
    theirs = _flat(read_json(self.config))
    ours = _flat(json.loads(json.dumps(identity)))
    different = [
      f'{key} ({theirs.get(key)!r} there, {ours.get(key)!r} here)'
      for key in sorted(theirs.keys() | ours.keys())
      if theirs.get(key) != ours.get(key)
    ]
    if different:
      more = f' and {len(different) - 3} more' if len(different) > 3 else ''
      raise InputError(
        f'the folder {self.path} belongs to a run of another config: it'
        f' differs in {", ".join(different[:3])}{more}; name another'
        ' --workdir, or start anew with --overwrite'
      )

  def _clear(self) -> None:
    for folder in (self.events, self.checkpoints, self.artifact_folder):
      shutil.rmtree(folder, ignore_errors=True)
    files = (self.metrics, self.predictions, self.summary, self.config)
    for file in files:
      file.unlink(missing_ok=True)


def _flat(value: Any, above: str = '') -> dict[str, Any]:
  if not isinstance(value, dict):
    return {above: value}
  found: dict[str, Any] = {}
  for name, inner in value.items():
    found |= _flat(inner, f'{above}.{name}' if above else name)
  return found


def read_json(path: pathlib.Path) -> Any:
  """A JSON file, or one sentence about what is wrong with it."""
  try:
    return json.loads(path.read_text())
  except (OSError, ValueError) as e:
    raise InputError(
      f'{path} must be a JSON file, but it cannot be read ({e}): start anew'
      ' with --overwrite'
    ) from e


def write_json(path: pathlib.Path, value: Any) -> None:
  """Writes a JSON file whole or not at all."""
  draft = path.with_suffix('.json.tmp')
  try:
    draft.write_text(json.dumps(value, indent=1) + '\n')
    os.replace(draft, path)
  except OSError as e:
    draft.unlink(missing_ok=True)
    raise InputError(
      f'{path} must be writable, but {e.strerror}: make room or name another'
      ' folder'
    ) from e
