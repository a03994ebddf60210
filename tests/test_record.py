"""Metrics and events: what they hold, and what a resumed run drops."""

import json
import os
import struct
import subprocess
import sys

import pytest
from tensorboardX.proto.event_pb2 import Event

from prunax.errors import InputError
from prunax.record import Recorder, read_metrics
from prunax.rundir import RunDir

METRICS = {'loss': 0.1, 'layers': {'conv1': 0.5, 'ip1': 1 / 3}}


def events(folder):
  """All events in the order of their files."""
  found = []
  for path in sorted(folder.iterdir()):
    content, at = path.read_bytes(), 0
    while at < len(content):
      (length,) = struct.unpack_from('<Q', content, at)
      found.append(Event.FromString(content[at + 12 : at + 12 + length]))
      at += 16 + length
  return found


def scalars(folder):
  return [
    (event.step, event.summary.value[0].tag)
    for event in events(folder)
    if event.summary.value
  ]


def write(folder, stage, start, steps):
  recorder = Recorder(folder, stage, start)
  for step in steps:
    recorder.add(stage, f'stage{stage}', step, METRICS)
  recorder.close()


def test_a_line_a_block(tmp_path):
  folder = RunDir(tmp_path)
  write(folder, 0, 0, [10, 20])
  lines = folder.metrics.read_text().splitlines()
  assert [json.loads(line) for line in lines] == [
    {'stage_index': 0, 'stage': 'stage0', 'step': 10, **METRICS},
    {'stage_index': 0, 'stage': 'stage0', 'step': 20, **METRICS},
  ]


def test_lines_are_there_before_the_recorder_is_closed(tmp_path):
  folder = RunDir(tmp_path)
  recorder = Recorder(folder, 0, 0)
  recorder.add(0, 'dense', 10, METRICS)
  assert len(list(read_metrics(folder.metrics))) == 1
  assert len(scalars(folder.events)) == 3
  recorder.close()


def test_what_lies_behind_the_checkpoint_is_dropped(tmp_path):
  folder = RunDir(tmp_path)
  write(folder, 0, 0, [10, 20, 30])
  write(folder, 1, 0, [10, 20, 30, 40])
  before = folder.metrics.read_text().splitlines(keepends=True)
  Recorder(folder, 1, 20).close()
  assert folder.metrics.read_text() == ''.join(before[:5])
  Recorder(folder, 1, 0).close()
  assert folder.metrics.read_text() == ''.join(before[:3])


@pytest.mark.parametrize(
  'half', ['{"stage_index": 0, "st', '{"stage_index": 0, "step": 30}x', '\xff']
)
def test_a_line_that_a_kill_cut_short_is_dropped(tmp_path, half):
  folder = RunDir(tmp_path)
  write(folder, 0, 0, [10, 20])
  before = folder.metrics.read_text()
  folder.metrics.write_bytes(before.encode() + half.encode('latin-1'))
  assert [line['step'] for line in read_metrics(folder.metrics)] == [10, 20]
  write(folder, 0, 20, [30])
  assert [line['step'] for line in read_metrics(folder.metrics)] == [10, 20, 30]
  assert folder.metrics.read_text().startswith(before)


def test_no_file_has_no_lines(tmp_path):
  assert not list(read_metrics(tmp_path / 'metrics.jsonl'))


def test_events_of_the_stages_follow_each_other(tmp_path):
  folder = RunDir(tmp_path)
  write(folder, 0, 0, [10, 15])
  write(folder, 1, 0, [10])
  tags = ['loss', 'layers/conv1', 'layers/ip1']
  assert scalars(folder.events) == [
    (step, tag) for step in (10, 15, 25) for tag in tags
  ]
  assert len(list(folder.events.iterdir())) == 2


def test_what_is_no_number_has_no_curve(tmp_path):
  folder = RunDir(tmp_path)
  recorder = Recorder(folder, 0, 0)
  found = {'ratio': None, 'empty': ['ip1'], 'alive': 0}
  recorder.add(0, 'olmp', 10, {'hook': found})
  recorder.close()
  assert scalars(folder.events) == [(10, 'hook/alive')]
  assert next(read_metrics(folder.metrics))['hook'] == found


def test_a_resumed_stage_tells_tensorboard_what_to_drop(tmp_path):
  folder = RunDir(tmp_path)
  write(folder, 0, 0, [10, 20])
  write(folder, 1, 0, [10, 20, 30])
  write(folder, 1, 20, [30, 40])
  starts = [e.step for e in events(folder.events) if e.session_log.status]
  # Two stages from their starts, then the second one after its step 20.
  assert starts == [1, 21, 41]


_FILL = """
import json, resource, sys
from prunax.errors import InputError
from prunax.record import Recorder
from prunax.rundir import RunDir

folder = RunDir(sys.argv[1])
recorder = Recorder(folder, 0, 0)
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), hard))
try:
  for step in range(1000):
    recorder.add(0, 'dense', step, json.loads(sys.argv[3]))
except InputError as e:
  print(e)
try:
  recorder.close()
except InputError as e:
  print(e)
"""


# Each value repeats its layer's name in the events, none in the metrics.
@pytest.mark.parametrize(
  ('metrics', 'full'),
  [
    ({'layer' * 10: {str(i): 1.0 for i in range(9)}}, 'events'),
    ({'loss': 1.0}, 'metrics.jsonl'),
  ],
)
def test_a_full_disk_is_one_sentence(tmp_path, metrics, full):
  process = subprocess.run(
    [sys.executable, '-c', _FILL, str(tmp_path), '3000', json.dumps(metrics)],
    capture_output=True,
    text=True,
    check=False,
    timeout=100,
  )
  assert (process.returncode, process.stderr) == (0, '')
  first = process.stdout.splitlines()[0]
  assert str(tmp_path / full) in first
  assert os.strerror(27) in first


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
  folder = RunDir(tmp_path / 'nowhere')
  with pytest.raises(InputError, match=r'metrics\.jsonl must be writable'):
    Recorder(folder, 0, 0)
