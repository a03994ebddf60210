"""A progress bar on a terminal, plain lines elsewhere."""

import sys
import time
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import (
  BarColumn,
  MofNCompleteColumn,
  Progress,
  TextColumn,
  TimeRemainingColumn,
)

_SECONDS_BETWEEN_LINES = 5.0


class StageProgress:
  """How far one stage is, its speed, and its last metrics; on stderr."""

  def __init__(self, name: str, start: int, steps: int):
    self._name, self._start, self._steps = name, start, steps
    self._began = self._said = time.monotonic()
    console = Console(stderr=True)
    self._bar = None
    if console.is_terminal:
      self._bar = Progress(
        TextColumn(f'[bold]{name}'),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn('{task.fields[speed]}'),
        TimeRemainingColumn(),
        TextColumn('{task.fields[metrics]}'),
        console=console,
      )
      self._task = self._bar.add_task(
        name, total=steps, completed=start, speed='', metrics=''
      )

  def __enter__(self) -> 'StageProgress':
    if self._bar:
      self._bar.start()
    return self

  def __exit__(
    self,
    kind: type[BaseException] | None,
    error: BaseException | None,
    trace: TracebackType | None,
  ) -> None:
    if self._bar:
      self._bar.stop()

  def say(self, text: str) -> None:
    """Prints a line of its own."""
    line = f'{self._name}: {text}'
    if self._bar:
      self._bar.console.print(line, markup=False, highlight=False)
    else:
      print(line, file=sys.stderr, flush=True)

  def show(self, step: int, metrics: dict[str, Any]) -> None:
    """Tells where the stage is."""
    now = time.monotonic()
    speed = (step - self._start) / max(now - self._began, 1e-9)
    facts = (
      f'loss {metrics["loss"]:.4f}  accuracy {metrics["accuracy"]:.2%}'
      f'  density {metrics["density"]:.2%}'
    )
    if self._bar:
      self._bar.update(
        self._task,
        completed=step,
        speed=f'{speed:.0f} steps/s',
        metrics=facts,
      )
    elif now - self._said > _SECONDS_BETWEEN_LINES or step >= self._steps:
      self._said = now
      left = (self._steps - step) / max(speed, 1e-9)
      print(
        f'{self._name}: step {step}/{self._steps}  {facts}'
        f'  {speed:.0f} steps/s  {left:.0f} s left',
        file=sys.stderr,
        flush=True,
      )
