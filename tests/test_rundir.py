"""Whose a run folder is, and what may be removed from it."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from prunax import convert
from prunax.errors import InputError
from prunax.rundir import RunDir, read_json, write_json

IDENTITY = {'name': 'x', 'seed': 0, 'data': {'name': 'digits', 'batch': 2}}


def contents(folder):
  """Every file below a folder, and every folder."""
  return {
    path.relative_to(folder): path.read_bytes() if path.is_file() else None
    for path in folder.rglob('*')
  }


def finished(path):
  folder = RunDir(path)
  folder.open(IDENTITY, overwrite=False)
  folder.metrics.write_text('{}\n')
  (folder.checkpoints / '0-00000010').mkdir()
  folder.events.mkdir()
  convert.npz.save(folder.artifact(0, 'dense'), {'a': np.ones(2)}, {})
  convert.npz.save(folder.predictions, {'a': np.ones(2)}, {})
  write_json(folder.summary, {'stages': []})
  return folder


@pytest.mark.parametrize('name', ['new', 'new/below/it', 'empty'])
def test_a_new_folder_becomes_the_runs(tmp_path, name):
  (tmp_path / 'empty').mkdir()
  folder = RunDir(tmp_path / name)
  folder.open(IDENTITY, overwrite=False)
  stored = json.loads(folder.config.read_text())
  assert stored.pop('prunax')
  assert stored == IDENTITY
  assert folder.artifacts() == []


@pytest.mark.parametrize('overwrite', [False, True])
def test_a_kill_before_the_config_was_written_is_no_stranger(
  tmp_path, overwrite
):
  (tmp_path / 'config.json.tmp').write_text('{"na')
  RunDir(tmp_path).open(IDENTITY, overwrite)
  assert not (tmp_path / 'config.json.tmp').exists()


def test_a_kill_after_the_config_was_written_is_no_stranger(tmp_path):
  folder = finished(tmp_path)
  folder.checkpoints.joinpath('0-00000010').rmdir()
  folder.checkpoints.rmdir()
  folder.open(IDENTITY, overwrite=False)
  assert folder.checkpoints.is_dir()


def test_the_same_config_finds_its_folder_again(tmp_path):
  folder = finished(tmp_path)
  before = contents(tmp_path)
  folder.open({**IDENTITY}, overwrite=False)
  assert contents(tmp_path) == before


def test_lists_and_tuples_are_the_same_config(tmp_path):
  RunDir(tmp_path).open({'rules': (('a', 1),)}, overwrite=False)
  before = contents(tmp_path)
  RunDir(tmp_path).open({'rules': [['a', 1]]}, overwrite=False)
  assert contents(tmp_path) == before


def test_another_config_is_refused_with_its_differences(tmp_path):
  folder = finished(tmp_path)
  before = contents(tmp_path)
  other = {'name': 'x', 'seed': 7, 'data': {'name': 'digits', 'order': 'a'}}
  with pytest.raises(InputError) as e:
    folder.open(other, overwrite=False)
  told = str(e.value)
  assert str(tmp_path) in told
  assert 'seed (0 there, 7 here)' in told
  assert 'data.batch (2 there, None here)' in told
  assert "data.order (None there, 'a' here)" in told
  assert '--overwrite' in told
  assert contents(tmp_path) == before


def test_many_differences_are_counted(tmp_path):
  RunDir(tmp_path).open({str(i): 0 for i in range(9)}, overwrite=False)
  with pytest.raises(InputError, match='and 6 more'):
    RunDir(tmp_path).open({str(i): 1 for i in range(9)}, overwrite=False)


def test_overwrite_removes_the_run_and_nothing_else(tmp_path):
  folder = finished(tmp_path)
  (tmp_path / 'notes.txt').write_text('mine')
  folder.open({**IDENTITY, 'seed': 7}, overwrite=True)
  names = {path.name for path in tmp_path.iterdir()}
  assert names == {'notes.txt', 'config.json', 'artifacts', 'checkpoints'}
  assert folder.artifacts() == []
  assert not list(folder.checkpoints.iterdir())
  assert json.loads(folder.config.read_text())['seed'] == 7


@pytest.mark.parametrize('overwrite', [False, True])
@pytest.mark.parametrize(
  ('name', 'text'),
  [
    ('notes.txt', 'mine'),
    ('checkpoints/model.bin', 'mine'),
    # Other programs call their files so, too.
    ('config.json', '{"architectures": ["Other"]}'),
    ('config.json', '[1, 2]'),
    ('config.json', '{"prunax": "0.1'),
  ],
)
def test_a_strangers_folder_is_refused_untouched(
  tmp_path, name, text, overwrite
):
  (tmp_path / 'checkpoints').mkdir()
  (tmp_path / name).write_text(text)
  before = contents(tmp_path)
  with pytest.raises(InputError, match='--workdir') as e:
    RunDir(tmp_path).open(IDENTITY, overwrite)
  assert str(tmp_path) in str(e.value)
  assert contents(tmp_path) == before


def test_a_file_is_no_folder(tmp_path):
  path = tmp_path / 'file'
  path.write_text('mine')
  for place in (path, path / 'below'):
    with pytest.raises(InputError, match='file'):
      RunDir(place).open(IDENTITY, overwrite=True)
  assert path.read_text() == 'mine'


def test_the_last_artifact_is_by_number(tmp_path):
  folder = finished(tmp_path)
  for stage in (2, 10):
    convert.npz.save(folder.artifact(stage, 'finetune'), {'a': np.ones(2)}, {})
  # What a kill may leave.
  (folder.artifact_folder / '.11.tmp').write_text('')
  names = [path.name for path in folder.artifacts()]
  assert names == ['0-dense.npz', '2-finetune.npz', '10-finetune.npz']
  assert folder.last_artifact().name == '10-finetune.npz'


def test_no_artifact_is_one_sentence(tmp_path):
  with pytest.raises(InputError, match='must hold the artifact of a run'):
    RunDir(tmp_path).last_artifact()


def test_a_damaged_summary_is_named(tmp_path):
  folder = finished(tmp_path)
  folder.summary.write_text('{"sta')
  with pytest.raises(InputError, match=r'summary\.json.*remove it'):
    folder.read_summary()


def test_json_is_written_whole_or_not_at_all(tmp_path):
  path = tmp_path / 'a.json'
  write_json(path, {'a': 1})
  with pytest.raises(TypeError):
    write_json(path, {'a': object()})
  assert read_json(path, '') == {'a': 1}
  assert [p.name for p in tmp_path.iterdir()] == ['a.json']
  with pytest.raises(InputError, match='must be writable'):
    write_json(tmp_path / 'nowhere' / 'a.json', 1)


_FILL = """
import resource, sys
from prunax.errors import InputError
from prunax.rundir import RunDir

resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
try:
  RunDir(sys.argv[1]).open({'name': 'x'}, overwrite=False)
except InputError as e:
  print(e)
"""


def test_a_full_disk_is_one_sentence_and_no_stranger(tmp_path):
  process = subprocess.run(
    [sys.executable, '-c', _FILL, str(tmp_path / 'run')],
    capture_output=True,
    text=True,
    check=False,
  )
  assert process.stderr == ''
  assert str(tmp_path / 'run' / 'config.json') in process.stdout
  assert os.strerror(27) in process.stdout
  RunDir(tmp_path / 'run').open({'name': 'x'}, overwrite=False)
