"""Files that are not there, cut short, or of another kind."""

import pytest

from prunax import convert


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
