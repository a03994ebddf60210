"""Two processes do not work in one folder."""

import os
import signal
import subprocess
import sys

import pytest

from prunax import locks
from prunax.errors import InputError
from prunax.rundir import RunDir
from prunax.runs import Run

_HOLD = """
import pathlib, sys
from prunax import locks
with locks.locked(pathlib.Path(sys.argv[1])):
  print('held', flush=True)
  sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
  """A process that holds the folder until it ends."""
  process = subprocess.Popen(
    [sys.executable, '-c', _HOLD, str(tmp_path)],
    stdin=subprocess.PIPE,
    stdout=subprocess.PIPE,
    text=True,
  )
  assert process.stdout.readline() == 'held\n'
  yield process
  process.kill()
  process.communicate()


def test_a_folder_in_use_is_refused_until_the_kill(holder, tmp_path):
  sentence = f'{tmp_path} is in use by process {holder.pid}: wait, or name'
  with pytest.raises(InputError, match=sentence), locks.locked(tmp_path):
    raise AssertionError('went on')
  holder.send_signal(signal.SIGKILL)
  holder.wait()
  with locks.locked(tmp_path):
    assert (tmp_path / locks.NAME).read_text() == f'{os.getpid()}\n'
  with locks.locked(tmp_path):
    pass


def test_what_fails_inside_gives_the_folder_back(tmp_path):
  with pytest.raises(KeyError), locks.locked(tmp_path):
    raise KeyError
  with locks.locked(tmp_path):
    pass


def test_a_run_in_a_folder_in_use_is_refused(holder, small, tmp_path):
  run = Run(small.make(small.SHORT), tmp_path)
  for overwrite in (False, True):
    with pytest.raises(InputError, match=f'in use by process {holder.pid}'):
      run.execute(overwrite)
  assert [path.name for path in tmp_path.iterdir()] == [locks.NAME]
  holder.communicate()
  # What the other one left is no stranger's.
  summary = run.execute()
  with RunDir(tmp_path).held():
    # To print a table needs no folder to oneself.
    assert Run(small.make(small.SHORT), tmp_path).execute() == summary
    with pytest.raises(InputError, match=f'in use by process {os.getpid()}'):
      run.execute(overwrite=True)
