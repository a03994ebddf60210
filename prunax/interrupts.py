"""Ctrl-C and SIGTERM as something that a training can finish a block for."""

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType


class Interrupts:
  """Holds a signal back while there is work that must be saved first."""

  def __init__(self) -> None:
    self.pending: int | None = None
    self._holding = False

  def _receive(self, number: int, frame: FrameType | None) -> None:
    # A second Ctrl-C means now.
    if self.pending is not None or not self._holding:
      sys.exit(128 + number)
    self.pending = number

  @contextlib.contextmanager
  def installed(self) -> Iterator['Interrupts']:
    """Listens for both signals; elsewhere than in the main thread, does not."""
    if threading.current_thread() is not threading.main_thread():
      yield self
      return
    before = {
      number: signal.signal(number, self._receive)
      for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
      yield self
    finally:
      for number, handler in before.items():
        signal.signal(number, handler)

  @contextlib.contextmanager
  def held(self) -> Iterator[None]:
    """While inside, however deep, a signal only sets `pending`."""
    before, self._holding = self._holding, True
    try:
      yield
    finally:
      self._holding = before

  def leave_if_pending(self) -> None:
    """Exits as the signal asks (130 or 143), once all is saved."""
    if self.pending is not None:
      sys.exit(128 + self.pending)
