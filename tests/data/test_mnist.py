import gzip
import struct

import numpy as np
import pytest

from prunax import data
from prunax.data import mnist
from prunax.errors import InputError

_NAMES = {
  'train': ('train-images-idx3-ubyte', 'train-labels-idx1-ubyte'),
  'test': ('t10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte'),
}


def _idx(array):
  axes = struct.pack(f'>{array.ndim}I', *array.shape)
  return bytes([0, 0, 8, array.ndim]) + axes + array.tobytes()


def _images(count):
  values = np.arange(count * 784) % 251
  return values.astype(np.uint8).reshape(count, 28, 28)


def _write(folder, packed=False):
  folder.mkdir(parents=True, exist_ok=True)
  for count, names in zip((5, 3), _NAMES.values(), strict=True):
    for name, array in zip(
      names, (_images(count), np.arange(count, dtype=np.uint8)), strict=True
    ):
      content = _idx(array)
      if packed:
        (folder / f'{name}.gz').write_bytes(gzip.compress(content))
      else:
        (folder / name).write_bytes(content)


@pytest.mark.parametrize('packed', [False, True])
@pytest.mark.parametrize('inner', ['', 'mnist'])
def test_finds_the_four_files(tmp_path, packed, inner):
  _write(tmp_path / inner, packed)
  got = mnist.load(tmp_path)
  assert (got.name, got.classes) == ('mnist', 10)
  np.testing.assert_array_equal(got.train.x[..., 0], _images(5))
  np.testing.assert_array_equal(got.test.x, _images(3)[..., None])
  assert got.train.x.dtype == np.uint8
  assert got.test.y.dtype == np.int32
  assert got.train.y.tolist() == [0, 1, 2, 3, 4]


def test_the_folder_from_the_environment(tmp_path, monkeypatch):
  _write(tmp_path)
  monkeypatch.setenv('PRUNAX_DATA_DIR', str(tmp_path))
  assert len(mnist.load().test.y) == 3
  assert len(data.load('mnist').train.y) == 5


def test_no_folder_says_what_to_do(monkeypatch):
  monkeypatch.delenv('PRUNAX_DATA_DIR', raising=False)
  for load in (mnist.load, lambda: data.load('mnist')):
    with pytest.raises(InputError) as error:
      load()
    for word in ('PRUNAX_DATA_DIR', '--config.data.dir', 'digits'):
      assert word in str(error.value)


@pytest.mark.parametrize('name', [n for pair in _NAMES.values() for n in pair])
def test_a_missing_file_is_named(tmp_path, name):
  _write(tmp_path)
  (tmp_path / name).unlink()
  with pytest.raises(InputError, match=f'{name}.gz'):
    mnist.load(tmp_path)


def test_more_images_than_labels(tmp_path):
  _write(tmp_path)
  name = _NAMES['train'][1]
  (tmp_path / name).write_bytes(_idx(np.zeros(4, np.uint8)))
  with pytest.raises(InputError, match=f'{name} .* 4 labels for 5 images'):
    mnist.load(tmp_path)


def test_labels_in_the_place_of_images(tmp_path):
  _write(tmp_path)
  images, labels = _NAMES['test']
  (tmp_path / images).write_bytes((tmp_path / labels).read_bytes())
  with pytest.raises(InputError, match=f'{images} must hold uint8 images'):
    mnist.load(tmp_path)


def test_images_in_the_place_of_labels(tmp_path):
  _write(tmp_path)
  images, labels = _NAMES['test']
  (tmp_path / labels).write_bytes((tmp_path / images).read_bytes())
  with pytest.raises(InputError, match=f'{labels} must hold uint8 labels'):
    mnist.load(tmp_path)


def test_a_label_beyond_nine(tmp_path):
  _write(tmp_path)
  name = _NAMES['test'][1]
  (tmp_path / name).write_bytes(_idx(np.array([0, 10, 1], np.uint8)))
  with pytest.raises(InputError, match=f'{name} .* up to 10'):
    mnist.load(tmp_path)


def test_the_official_files(mnist_dir):
  got = mnist.load(mnist_dir)
  assert got.train.x.shape == (60000, 28, 28, 1)
  assert got.test.x.shape == (10000, 28, 28, 1)
  assert got.train.y[:8].tolist() == [5, 0, 4, 1, 9, 2, 1, 3]
  assert got.test.y[:8].tolist() == [7, 2, 1, 0, 4, 1, 4, 9]
  # The mean and the deviation that are quoted for MNIST everywhere.
  count = np.bincount(got.train.x.ravel(), minlength=256) / got.train.x.size
  level = np.arange(256) / 255
  mean = count @ level
  assert mean == pytest.approx(0.1307, abs=5e-5)
  assert np.sqrt(count @ level**2 - mean**2) == pytest.approx(0.3081, abs=5e-5)
