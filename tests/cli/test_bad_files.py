"""Files that are not there, cut short, or of another kind."""

import numpy as np
import pytest

from prunax import convert, weights


@pytest.mark.parametrize('command', ['inspect', 'evaluate'])
@pytest.mark.parametrize(
  'name',
  [
    'gone',
    'gone.npz',
    'gone.caffemodel',
    'gone.safetensors',
    'gone/artifacts',
    '',
  ],
)
def test_nothing_there(complaint, tmp_path, command, name):
  path = str(tmp_path / name) if name else ''
  assert repr(path) in complaint(command, path) or not name


@pytest.mark.parametrize('command', ['inspect', 'evaluate'])
def test_a_folder_that_is_no_run(complaint, tmp_path, command):
  (tmp_path / 'artifacts').mkdir()
  (tmp_path / 'artifacts' / 'notes.txt').write_text('nothing yet')
  assert str(tmp_path) in complaint(command, tmp_path)


def test_a_file_of_another_kind(complaint, tmp_path):
  path = tmp_path / 'weights.h5'
  path.write_bytes(b'\x89HDF')
  error = complaint('inspect', path)
  assert 'weights.h5' in error and '.caffemodel, .npz or .safetensors' in error


@pytest.mark.parametrize('part', [0, 1, 30, 0.5, 0.999])
def test_npz_cut_short(complaint, file, tmp_path, part):
  path = tmp_path / 'short.npz'
  whole = file.read_bytes()
  keep = part if isinstance(part, int) else int(part * len(whole))
  path.write_bytes(whole[:keep])
  for command in ('inspect', 'evaluate'):
    assert 'short.npz' in complaint(command, path)


@pytest.mark.parametrize('part', [0, 1, 30, 0.5, 0.999])
def test_safetensors_cut_short(complaint, weights, tmp_path, part):
  path = tmp_path / 'short.safetensors'
  convert.save(path, weights, {})
  whole = path.read_bytes()
  keep = part if isinstance(part, int) else int(part * len(whole))
  path.write_bytes(whole[:keep])
  for command in ('inspect', 'evaluate'):
    assert 'short.safetensors' in complaint(command, path)


def test_artifact_cut_short(complaint, run_folder):
  path = run_folder / 'artifacts' / '10-surgery.npz'
  path.write_bytes(path.read_bytes()[:1000])
  assert str(path) in complaint('evaluate', run_folder)


@pytest.mark.parametrize('keep', [0, 1, 1_000, 1_000_000])
def test_caffemodel_cut_short(complaint, models_dir, tmp_path, keep):
  path = tmp_path / 'short.caffemodel'
  whole = (models_dir / 'lenet300100_reference.caffemodel').read_bytes()
  path.write_bytes(whole[:keep])
  arguments = (path, '--data', 'digits')
  assert 'short.caffemodel' in complaint('evaluate', *arguments)


def test_text_that_calls_itself_a_caffemodel(complaint, tmp_path):
  path = tmp_path / 'page.caffemodel'
  path.write_text('<html>404</html>')
  assert 'page.caffemodel' in complaint('inspect', path)


@pytest.mark.parametrize('suffix', ['.prx', '.npz'])
@pytest.mark.parametrize(
  'sizes',
  [
    [9, 9],
    'many',
    7,
    {},
    {'a': 9},
    {'a': 9, 'b': 9, 'c': 9},
    {'a': 9, 'b': '9'},
    {'a': 9, 'b': 9.5},
    {'a': 9, 'b': True},
    {'a': 9, 'b': None},
    {'a': 9, 'b': -9},
    {'a': 9, 'b': 1},
    {'a': 9, 'b': 10**400},
  ],
)
def test_sizes_that_cannot_be(complaint, tmp_path, suffix, sizes):
  path = tmp_path / f'told{suffix}'
  leaves = {'a': np.ones(2), 'b': np.ones((1, 3))}
  weights.save(path, leaves, {'sizes': sizes})
  for words in (('inspect', path), ('pack', path, tmp_path / 'out.prx')):
    error = complaint(*words)
    assert (str(path) in error and 'before anything' in error) or "'b'" in error
  assert not (tmp_path / 'out.prx').exists()


def test_more_bytes_than_are_allowed(complaint, run, tmp_path):
  path, out = tmp_path / 'large.prx', tmp_path / 'out.npz'
  weights.save(path, {'a': np.zeros(1000)}, {})
  for words in (
    ('inspect', path),
    ('evaluate', path),
    ('pack', path, tmp_path / 'out.prx'),
    ('unpack', path, out),
  ):
    said = complaint(*words, '--max-bytes', 7999)
    assert 'at most 7,999 bytes' in said and '8,000' in said
  assert run('unpack', path, out, '--max-bytes', 8000)[0] == 0
  for text in ('-1', '8k', '٣', '9' * 5000):
    said = complaint('inspect', path, '--max-bytes', text, code=2)
    assert 'whole number of bytes' in said or 'expected one' in said
