"""What a run writes down as it goes: metrics.jsonl and TensorBoard events."""

import json
import pathlib
import time
from collections.abc import Iterator
from typing import Any

from tensorboardX import summary
from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog

from prunax.rundir import RunDir, write_text, writing


def read_metrics(path: pathlib.Path) -> Iterator[dict[str, Any]]:
  """The lines of a metrics file; one that a kill cut short is left out."""
  if not path.exists():
    return
  for line in path.read_text(errors='replace').splitlines():
    try:
      yield json.loads(line)
    except json.JSONDecodeError:
      return


class Recorder:
  """Appends metrics, a line a block of steps, and mirrors them for TensorBoard.

  Opened for a resumed run, it first drops what lies behind the checkpoint.
  """

  def __init__(self, folder: RunDir, stage: int, step: int):
    self._path, self._folder = folder.metrics, folder.events
    kept = [
      line
      for line in read_metrics(self._path)
      if (line['stage_index'], line['step']) <= (stage, step)
    ]
    lengths = {
      line['stage_index']: line['step']
      for line in kept
      if line['stage_index'] < stage
    }
    self._done = sum(lengths.values())
    write_text(self._path, ''.join(json.dumps(line) + '\n' for line in kept))
    with writing(self._path):
      self._file = self._path.open('a')
    with writing(self._folder):
      self._folder.mkdir(exist_ok=True)
      # Written in this thread: tensorboardX's own would die of a full disk
      # and leave a program that waits for it for ever.
      self._events = EventsWriter(
        str(self._folder / 'events'), f'.{stage}.{step:08d}'
      )
      # TensorBoard drops what an earlier sitting wrote from here on.
      restart = SessionLog(status=SessionLog.START)
      first = self._done + step + 1
      self._events.write_event(Event(step=first, session_log=restart))

  def add(
    self, stage: int, name: str, step: int, metrics: dict[str, Any]
  ) -> None:
    """Writes one line and its events."""
    line = {'stage_index': stage, 'stage': name, 'step': step, **metrics}
    with writing(self._path):
      self._file.write(json.dumps(line) + '\n')
      self._file.flush()
    with writing(self._folder):
      for tag, value in _flat(metrics):
        event = Event(wall_time=time.time(), step=self._done + step)
        event.summary.CopyFrom(summary.scalar(tag, value))
        self._events.write_event(event)
      self._events.flush()

  def close(self) -> None:
    """Flushes both files."""
    with writing(self._path):
      self._file.close()
    with writing(self._folder):
      self._events.close()


def _flat(
  metrics: dict[str, Any], above: str = ''
) -> Iterator[tuple[str, float]]:
  """The numbers by their tags; what is no number has no curve."""
  for name, value in metrics.items():
    tag = f'{above}/{name}' if above else name
    if isinstance(value, dict):
      yield from _flat(value, tag)
    elif value is not None and not isinstance(value, list):
      yield tag, value
