import io
import zipfile

import numpy as np
import pytest

from prunax import data
from prunax.data import npz
from prunax.errors import InputError

_X = np.arange(20 * 4 * 4, dtype=np.uint8).reshape(20, 4, 4)
_Y = np.arange(20) % 3


def _save(tmp_path, **arrays):
  path = tmp_path / 'mine.npz'
  np.savez(path, **arrays)
  return path


@pytest.mark.parametrize(
  'shape, want',
  [((3, 4, 4), (3, 4, 4, 1)), ((3, 4, 4, 2), None), ((3, 7), None)],
)
@pytest.mark.parametrize('dtype', ['uint8', 'float16', 'float32', 'float64'])
def test_read_gives_every_example(tmp_path, shape, want, dtype):
  x = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
  split = npz.read(_save(tmp_path, x=x, y=np.array([2, 0, 1], np.int64)))
  assert split.x.shape == (want or shape) and split.x.dtype == dtype
  np.testing.assert_array_equal(split.x.ravel(), x.ravel())
  assert split.y.tolist() == [2, 0, 1] and split.y.dtype == np.int32


@pytest.mark.parametrize('count, tail', [(20, 2), (5, 1), (2, 1), (39, 3)])
def test_the_last_tenth_is_the_test_set(tmp_path, count, tail):
  x = np.arange(count, dtype=np.float32)[:, None]
  path = _save(tmp_path, x=x, y=np.arange(count))
  got = data.load(str(path))
  assert got.train.x[:, 0].tolist() == list(range(count - tail))
  assert got.test.x[:, 0].tolist() == list(range(count - tail, count))
  assert got.test.y.tolist() == list(range(count - tail, count))
  assert got.classes == count


def test_a_test_set_of_its_own(tmp_path):
  path = _save(tmp_path, x=_X, y=_Y, x_test=_X[:4], y_test=_Y[:4] + 3)
  got = data.load(str(path))
  assert len(got.train.y) == 20 and got.classes == 6
  assert got.test.x.shape == (4, 4, 4, 1)
  assert got.test.y.tolist() == [3, 4, 5, 3]


def test_the_path_is_from_here_or_from_the_data_folder(tmp_path, monkeypatch):
  (tmp_path / 'here').mkdir()
  (tmp_path / 'there').mkdir()
  monkeypatch.chdir(tmp_path / 'here')
  _save(tmp_path / 'there', x=_X, y=_Y)
  assert len(data.load('mine.npz', tmp_path / 'there').train.y) == 18
  monkeypatch.setenv('PRUNAX_DATA_DIR', str(tmp_path / 'there'))
  assert len(data.load('mine.npz').train.y) == 18
  _save(tmp_path / 'here', x=_X[:10], y=_Y[:10])
  assert len(data.load('mine.npz').train.y) == 9
  with pytest.raises(InputError, match=r'other\.npz'):
    data.load('other.npz')


@pytest.mark.parametrize(
  'arrays, match',
  [
    ({'x': _X}, r"'y', got \['x'\]"),
    ({'images': _X, 'y': _Y}, r"'x' .*got \['images', 'y'\]"),
    ({'x': _X, 'y': _Y[:-1]}, 'equally long, got 20 .* and 19'),
    ({'x': _X, 'y': _Y / 2}, 'integer labels, got float64'),
    ({'x': _X, 'y': np.eye(20, dtype=int)}, r'of the shape \(20, 20\)'),
    ({'x': _X, 'y': _Y - 1}, 'got -1 to 1'),
    ({'x': _X, 'y': _Y + 2**31}, 'labels must lie'),
    ({'x': _X.astype(int), 'y': _Y}, 'uint8 or floating, got int64'),
    ({'x': _X.ravel()[:20], 'y': _Y}, r'the shape \(20,\)'),
    ({'x': _X[:0], 'y': _Y[:0]}, 'at least one example'),
    ({'x': _X.astype(object), 'y': _Y}, "entry 'x', got Object arrays"),
  ],
)
def test_what_cannot_be_trained_on(tmp_path, arrays, match):
  path = _save(tmp_path, **arrays)
  for read in (npz.read, lambda p: data.load(str(p))):
    with pytest.raises(InputError, match=match) as error:
      read(path)
    assert str(error.value).startswith(str(path))
    assert '\n' not in str(error.value)


@pytest.mark.parametrize(
  'more, match',
  [
    ({'x_test': _X}, "'x_test' and 'y_test'"),
    ({'y_test': _Y}, "'x_test' and 'y_test'"),
    ({'x_test': _X[:, :2], 'y_test': _Y}, 'must be alike'),
    ({'x_test': _X / 255, 'y_test': _Y}, 'must be alike'),
    ({'x_test': _X[:0], 'y_test': _Y[:0]}, 'at least one example'),
  ],
)
def test_what_cannot_be_the_test_set(tmp_path, more, match):
  path = _save(tmp_path, x=_X, y=_Y, **more)
  with pytest.raises(InputError, match=match):
    data.load(str(path))


def test_one_example_cannot_be_split(tmp_path):
  path = _save(tmp_path, x=_X[:1], y=_Y[:1])
  assert len(npz.read(path).y) == 1
  with pytest.raises(InputError, match='at least two examples, got 1'):
    data.load(str(path))


def test_cut_and_damaged_files(tmp_path):
  buffer = io.BytesIO()
  np.savez_compressed(buffer, x=_X, y=_Y)
  whole = buffer.getvalue()
  path = tmp_path / 'mine.npz'
  for cut in range(len(whole)):
    path.write_bytes(whole[:cut])
    with pytest.raises(InputError, match=r'mine\.npz must'):
      npz.read(path)
  damaged = bytearray(whole)
  damaged[60] ^= 0xFF
  path.write_bytes(damaged)
  with pytest.raises(InputError, match=r'mine\.npz must be a whole .npz file'):
    npz.read(path)


def test_other_files_and_folders(tmp_path):
  path = tmp_path / 'mine.npz'
  with pytest.raises(InputError, match='No such file'):
    npz.read(path)
  path.write_text('x,y')
  with pytest.raises(InputError, match='no zip file'):
    npz.read(path)
  path.unlink()
  path.mkdir()
  with pytest.raises(InputError, match='Is a directory'):
    npz.read(path)
  path.rmdir()
  with zipfile.ZipFile(path, 'w') as archive:
    archive.writestr('x.npy', b'no array')
    archive.writestr('y.npy', b'no array')
  with pytest.raises(InputError, match='x must be uint8 or floating'):
    npz.read(path)
