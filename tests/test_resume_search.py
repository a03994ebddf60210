"""A run that is killed inside a search ends as one that never stopped."""

import pathlib
import signal
import subprocess
import sys
import time

import pytest

from prunax import convert, tree
from prunax.record import read_metrics
from prunax.rundir import RunDir

ROOT = pathlib.Path(__file__).parent.parent

# Slow searches and short blocks, so that most of the time is spent searching.
FLAGS = (
  '--config.data.name=digits',
  '--config.data.validation=0',
  '--config.data.constraint=300',
  '--config.data.order=shuffle',
  '--config.dense.steps=20',
  '--config.olmp.steps=60',
  '--config.olmp.every=20',
  '--config.olmp.first=0',
  '--config.olmp.until=60',
  '--config.olmp.generations=60',
  '--config.stages=("olmp",)',
  '--config.block=10',
  '--config.checkpoint_every=20',
)


def command(folder):
  config = '--config=configs/lenet300_olmp.py:own'
  words = [sys.executable, '-m', 'experiments.run', config]
  return [*words, f'--workdir={folder}', *FLAGS]


def lines(folder):
  path = RunDir(folder).metrics
  return path.read_bytes().count(b'\n') if path.exists() else 0


def killed(folder, number, line, delay):
  """Stops a run a while after a line of its metrics."""
  process = subprocess.Popen(
    command(folder), cwd=ROOT, stderr=subprocess.PIPE, text=True
  )
  while process.poll() is None and lines(folder) < line:
    time.sleep(0.002)
  time.sleep(delay)
  process.send_signal(number)
  _, err = process.communicate()
  assert 'Traceback' not in err
  return process.returncode


@pytest.mark.long
def test_a_kill_inside_a_search_changes_no_bit(tmp_path):
  whole, broken = tmp_path / 'whole', tmp_path / 'broken'
  subprocess.run(command(whole), cwd=ROOT, check=True, capture_output=True)
  # Two dense blocks, then blocks whose first, third and fifth begin with a
  # search.
  assert lines(whole) == 8
  # From the first search, then from the second; later rounds find these lines
  # there and are stopped wherever they are by then, also while they start.
  assert killed(broken, signal.SIGKILL, 2, 2.0) == -9
  assert lines(broken) == 2
  assert killed(broken, signal.SIGTERM, 4, 0.2) == 143
  for delay in (0.1, 4.0, 8.0, 12.0):
    assert killed(broken, signal.SIGKILL, 4, delay) in (-9, 0)
    assert killed(broken, signal.SIGTERM, 6, delay) in (143, -15, 0)
  subprocess.run(command(broken), cwd=ROOT, check=True, capture_output=True)
  one, two = RunDir(whole), RunDir(broken)
  assert one.metrics.read_bytes() == two.metrics.read_bytes()
  found = [x for x in read_metrics(two.metrics) if 'hook' in x]
  assert [x['hook']['step'] for x in found] == [0, 20, 40]
  left, right = (
    tree.named_leaves(convert.load(r.artifact(1, 'olmp')).tree)
    for r in (one, two)
  )
  for name in left:
    assert left[name].tobytes() == right[name].tobytes(), name
