"""Ctrl-C and SIGTERM: at once, or once the work is saved."""

import os
import signal
import threading

import pytest

from prunax.interrupts import Interrupts

BOTH = pytest.mark.parametrize(
  ('number', 'code'), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)


def send(number):
  os.kill(os.getpid(), number)


@BOTH
def test_between_trainings_a_signal_ends_at_once(number, code):
  with pytest.raises(SystemExit) as e, Interrupts().installed():
    send(number)
    raise AssertionError('went on')
  assert e.value.code == code


@BOTH
def test_in_a_training_a_signal_waits(number, code):
  interrupts = Interrupts()
  with interrupts.installed():
    with interrupts.held():
      interrupts.leave_if_pending()
      send(number)
      assert interrupts.pending == number
    with pytest.raises(SystemExit) as e:
      interrupts.leave_if_pending()
  assert e.value.code == code


def test_a_second_signal_does_not_wait():
  interrupts = Interrupts()
  with (
    pytest.raises(SystemExit) as e,
    interrupts.installed(),
    interrupts.held(),
  ):
    send(signal.SIGTERM)
    send(signal.SIGINT)
    raise AssertionError('went on')
  assert e.value.code == 130


def test_the_handlers_before_come_back():
  before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
  with pytest.raises(SystemExit), Interrupts().installed():
    send(signal.SIGTERM)
  after = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
  assert after == before


def test_another_thread_than_the_main_one_does_not_listen():
  before, seen = signal.getsignal(signal.SIGTERM), []

  def work():
    with Interrupts().installed():
      seen.append(signal.getsignal(signal.SIGTERM))

  thread = threading.Thread(target=work)
  thread.start()
  thread.join()
  assert seen == [before]
