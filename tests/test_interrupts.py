"""Ctrl-C and SIGTERM: at once, or once the work is saved."""

import os
import signal
import threading

import pytest

from prunax import models
from prunax.interrupts import Interrupts
from prunax.runs import Run

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


def test_held_inside_of_held_still_waits():
  interrupts = Interrupts()
  with interrupts.installed(), interrupts.held():
    with interrupts.held():
      pass
    send(signal.SIGTERM)
    assert interrupts.pending == signal.SIGTERM


def test_a_signal_while_a_run_ends_waits_for_the_step(small, tmp_path):
  """It is sent from inside of a trace, which it must not break."""
  plain, seen = models.get('lenet300100'), []
  dense = tmp_path / 'artifacts' / '0-dense.npz'

  def apply(variables, x, train=False, rngs=None):
    if not seen and dense.exists():
      seen.append('sent')
      send(signal.SIGTERM)
      seen.append('went on')
    return plain.apply(variables, x, train=train, rngs=rngs)

  name = 'lenet300100_signals'
  models.register(name, lambda: plain._replace(name=name, apply=apply))
  run = Run(small.make(small.SHORT, {'model': name}), tmp_path)
  with pytest.raises(SystemExit) as e:
    run.execute()
  assert (e.value.code, seen) == (143, ['sent', 'went on'])
  assert not run.folder.summary.exists()
  again = Run(small.make(small.SHORT, {'model': name}), tmp_path)
  assert again.execute()['stages'][0]['stage'] == 'dense'


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
