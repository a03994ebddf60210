"""What a run writes down as it goes: metrics.jsonl and TensorBoard events."""

import json
import os
import pathlib
from collections.abc import Iterator
from typing import Any

import tensorboardX

from prunax.rundir import RunDir


def read_metrics(path: pathlib.Path) -> Iterator[dict[str, Any]]:
  """The lines of a metrics file; one that a kill cut short is left out."""
  if not path.exists():
    return
  for line in path.read_text().splitlines():
    try:
      yield json.loads(line)
    except json.JSONDecodeError:
      return


class Recorder:
  """Appends metrics, a line a block of steps, and mirrors them for TensorBoard.

  Opened for a resumed run, it first drops what lies behind the checkpoint.
  """

  def __init__(self, folder: RunDir, stage: int, step: int):
    self._path = folder.metrics
    kept = [
      line
      for line in read_metrics(self._path)
      if (line['stage_index'], line['step']) <= (stage, step)
    ]
    draft = self._path.with_suffix('.tmp')
    draft.write_text(''.join(json.dumps(line) + '\n' for line in kept))
    os.replace(draft, self._path)
    self._done = sum(
      max(line['step'] for line in kept if line['stage_index'] == i)
      for i in {
        line['stage_index'] for line in kept if line['stage_index'] < stage
      }
    )
    self._file = self._path.open('a')
    self._events = tensorboardX.SummaryWriter(
      str(folder.events), purge_step=self._done + step + 1
    )

  def add(
    self, stage: int, name: str, step: int, metrics: dict[str, Any]
  ) -> None:
    """Writes one line and its events."""
    line = {'stage_index': stage, 'stage': name, 'step': step, **metrics}
    self._file.write(json.dumps(line) + '\n')
    self._file.flush()
    for tag, value in _flat(metrics):
      self._events.add_scalar(tag, value, self._done + step)

  def end_stage(self, step: int) -> None:
    """The next stage's events come after this one's."""
    self._done += step

  def close(self) -> None:
    """Flushes both files."""
    self._file.close()
    self._events.close()


def _flat(
  metrics: dict[str, Any], above: str = ''
) -> Iterator[tuple[str, float]]:
  for name, value in metrics.items():
    tag = f'{above}/{name}' if above else name
    if isinstance(value, dict):
      yield from _flat(value, tag)
    else:
      yield tag, value
