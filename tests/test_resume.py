"""A run that is killed and started again ends as one that never stopped."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from prunax import checkpoint, convert, tree
from prunax.record import read_metrics
from prunax.rundir import RunDir

ROOT = pathlib.Path(__file__).parent.parent

# Many short blocks, so that a signal arrives well before the end of a stage.
FAST = (
  '--config.stages=("surgery",)',
  '--config.dense.steps=200',
  '--config.surgery.steps=205',
  '--config.block=5',
  '--config.checkpoint_every=50',
)
LONG = (
  '--config.dense.steps=400',
  '--config.surgery.steps=400',
  '--config.gradual.steps=400',
  '--config.finetune.steps=405',
  '--config.block=5',
  '--config.checkpoint_every=50',
)


@pytest.fixture(scope='module')
def command(small_file):
  """The command of the small experiment in a folder."""

  def make(folder, flags):
    words = [sys.executable, '-m', 'experiments.run', f'--config={small_file}']
    return [*words, f'--workdir={folder}', *flags]

  return make


def run(command):
  return subprocess.run(
    command, cwd=ROOT, capture_output=True, text=True, check=False
  )


def lines(folder):
  """How many whole lines the metrics have by now."""
  path = RunDir(folder).metrics
  return path.read_bytes().count(b'\n') if path.exists() else 0


def killed(command, number, when):
  """Starts a run and sends it a signal as soon as `when` holds."""
  process = subprocess.Popen(
    command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
  )
  while process.poll() is None and not when():
    time.sleep(0.002)
  process.send_signal(number)
  _, err = process.communicate()
  assert 'Traceback' not in err
  return process.returncode


def contents(folder):
  """The artifacts and the checkpoints of a run."""
  return {
    path.relative_to(folder): path.read_bytes()
    for part in ('artifacts', 'checkpoints')
    for path in (folder / part).rglob('*')
    if path.is_file()
  }


# Leaves room for the metrics, but not for a kernel of the network.
_FILL_THE_DISK = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))
os.execv(sys.argv[1], sys.argv[1:])
"""


def same_end(folder, other):
  """Holds two finished runs against each other, bit by bit."""
  one, two = RunDir(folder), RunDir(other)
  assert one.metrics.read_bytes() == two.metrics.read_bytes()
  names = [path.name for path in one.artifacts()]
  assert names == [path.name for path in two.artifacts()]
  pairs = [*zip(one.artifacts(), two.artifacts(), strict=True)]
  for a, b in [*pairs, (one.predictions, two.predictions)]:
    left, right = convert.load(a), convert.load(b)
    assert left.meta.get('facts') == right.meta.get('facts')
    left, right = tree.named_leaves(left.tree), tree.named_leaves(right.tree)
    assert left.keys() == right.keys()
    for name in left:
      assert left[name].tobytes() == right[name].tobytes(), (a, name)


@pytest.fixture(scope='module')
def unbroken(command, tmp_path_factory):
  """The folder of a fast run that was never stopped."""
  folder = tmp_path_factory.mktemp('unbroken') / 'run'
  process = run(command(folder, FAST))
  assert process.returncode == 0, process.stderr
  assert lines(folder) == 40 + 41
  return folder


def test_signals_a_full_disk_and_a_kill_change_no_bit(
  command, unbroken, tmp_path
):
  again, folder = command(tmp_path, FAST), RunDir(tmp_path)
  for number, code, line, stage in (
    (signal.SIGTERM, 143, 6, 0),
    (signal.SIGINT, 130, 46, 1),
  ):
    assert killed(again, number, lambda n=line: lines(tmp_path) >= n) == code
    # All was saved, nothing will be trained twice.
    last = list(read_metrics(folder.metrics))[-1]
    assert last['stage_index'] == stage
    found = checkpoint.latest(folder.checkpoints)
    assert found[:2] == (stage, last['step'])

  before = contents(tmp_path)
  process = run([sys.executable, '-c', _FILL_THE_DISK, *again])
  assert process.returncode == 1
  *progress, sentence = process.stderr.splitlines()
  assert all(line.startswith('surgery: ') for line in progress), progress
  assert sentence.startswith('error: ')
  assert str(folder.checkpoints) in sentence
  assert os.strerror(27) in sentence
  assert contents(tmp_path) == before

  # What was trained after the checkpoint will be trained again.
  assert killed(again, signal.SIGKILL, lambda: lines(tmp_path) >= 65) == -9
  last = list(read_metrics(folder.metrics))[-1]
  assert checkpoint.latest(folder.checkpoints)[:2] <= (1, last['step'])

  process = run(again)
  assert process.returncode == 0, process.stderr
  same_end(tmp_path, unbroken)


@pytest.mark.long
def test_kills_at_any_point_of_any_stage_change_no_bit(command, tmp_path):
  whole, broken = tmp_path / 'whole', tmp_path / 'broken'
  process = run(command(whole, LONG))
  assert process.returncode == 0, process.stderr
  again, folder = command(broken, LONG), RunDir(broken)

  def after(seconds):
    until = time.monotonic() + seconds
    return lambda: time.monotonic() >= until

  def at_line(number):
    return lambda: lines(broken) >= number

  points = [(signal.SIGKILL, after(s)) for s in (0.0, 0.5, 1.0, 2.0)]
  points += [
    (signal.SIGTERM, after(2.5)),
    (signal.SIGINT, folder.config.exists),
  ]
  points += [(signal.SIGKILL, folder.config.exists)]
  numbers = (signal.SIGTERM, signal.SIGKILL, signal.SIGINT, signal.SIGKILL)
  for stage in range(4):
    # The first block, before and after a checkpoint, the last block.
    for i, line in enumerate((1, 9, 12, 40, 79, 80)):
      points.append((numbers[i % 4], at_line(80 * stage + line)))
    name = ('dense', 'surgery', 'gradual', 'finetune')[stage]
    points.append((signal.SIGKILL, folder.artifact(stage, name).exists))
  ends = [killed(again, number, when) for number, when in points]
  # Most came in time: 130, 143 and -9, not 0.
  assert {130, 143, -9} <= set(ends)
  assert ends.count(0) < len(ends) / 4

  process = run(again)
  assert process.returncode == 0, process.stderr
  same_end(broken, whole)


@pytest.mark.long
def test_a_signal_while_a_checkpoint_is_written_changes_no_bit(
  command, unbroken, tmp_path
):
  again, folder = command(tmp_path, FAST), RunDir(tmp_path)

  def writing():
    if not folder.checkpoints.is_dir():
      return False
    return any('.' in path.name for path in folder.checkpoints.iterdir())

  ends = [
    killed(again, number, writing)
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL)
  ]
  assert -9 in ends
  process = run(again)
  assert process.returncode == 0, process.stderr
  same_end(tmp_path, unbroken)
