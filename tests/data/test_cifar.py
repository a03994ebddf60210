import numpy as np
import pytest

from prunax import data
from prunax.data import cifar
from prunax.errors import InputError

_BATCHES = [f'data_batch_{i}.bin' for i in range(1, 6)]
_FILES = {
  'cifar10': ('cifar-10-batches-bin', [*_BATCHES, 'test_batch.bin']),
  'cifar100': ('cifar-100-binary', ['train.bin', 'test.bin']),
}
_LOADERS = {'cifar10': cifar.load_cifar10, 'cifar100': cifar.load_cifar100}
both = pytest.mark.parametrize('name', _FILES)


def _image(i):
  """Every pixel differs from its neighbours and from the other channels."""
  row, column, channel = np.ogrid[:32, :32, :3]
  return ((7 * row + 11 * column + 83 * channel + i) % 256).astype(np.uint8)


def _record(i, labels):
  """Labels, then the planes one after the other, by the official page."""
  image = _image(i)
  planes = b''.join(image[:, :, c].tobytes() for c in range(3))
  return bytes(labels) + planes


def _labels(name, i):
  return [i % 10] if name == 'cifar10' else [i % 20, 99 - i]


def _write(folder, name, count=2):
  """Every file holds `count` images, numbered on from file to file."""
  folder.mkdir(parents=True, exist_ok=True)
  for k, file in enumerate(_FILES[name][1]):
    numbers = range(k * count, (k + 1) * count)
    records = [_record(i, _labels(name, i)) for i in numbers]
    (folder / file).write_bytes(b''.join(records))


@both
@pytest.mark.parametrize('inner', [True, False])
def test_reads_the_binary_files(tmp_path, name, inner):
  folder, files = _FILES[name]
  _write(tmp_path / folder if inner else tmp_path, name)
  got = _LOADERS[name](tmp_path)
  rows = 2 * (len(files) - 1)
  want = [_labels(name, i)[-1] for i in range(rows + 2)]
  assert (got.name, got.classes) == (name, int(name.removeprefix('cifar')))
  for split, numbers in (
    (got.train, range(rows)),
    (got.test, (rows, rows + 1)),
  ):
    images = np.stack([_image(i) for i in numbers])
    np.testing.assert_array_equal(split.x, images)
    assert split.y.tolist() == [want[i] for i in numbers]
    assert split.x.dtype == np.uint8 and split.y.dtype == np.int32


@both
def test_by_name_from_the_environment(tmp_path, monkeypatch, name):
  _write(tmp_path / _FILES[name][0], name)
  monkeypatch.setenv('PRUNAX_DATA_DIR', str(tmp_path))
  got = data.load(name)
  assert len(got.test.y) == 2
  scaled = got.scale(got.test.x)
  want = (got.test.x.astype(np.float64) - 120.707) / 64.15
  np.testing.assert_allclose(scaled, want, atol=1e-6)


@both
def test_no_folder_says_what_to_do(monkeypatch, name):
  monkeypatch.delenv('PRUNAX_DATA_DIR', raising=False)
  with pytest.raises(InputError, match=f"'{name}'.*PRUNAX_DATA_DIR"):
    data.load(name)


@pytest.mark.parametrize(
  ('name', 'file'), [(n, f) for n, (_, files) in _FILES.items() for f in files]
)
def test_a_missing_file_is_named(tmp_path, name, file):
  folder = tmp_path / _FILES[name][0]
  _write(folder, name)
  (folder / file).unlink()
  with pytest.raises(InputError, match=f'{file} in {folder} or in') as error:
    data.load(name, tmp_path)
  assert '\n' not in str(error.value)


@both
@pytest.mark.parametrize('length', [0, 1, 3072, -1])
def test_a_cut_file(tmp_path, name, length):
  _write(tmp_path, name)
  for file in _FILES[name][1]:
    whole = (tmp_path / file).read_bytes()
    (tmp_path / file).write_bytes(whole[:length])
    with pytest.raises(InputError, match=f'{file} must .*fetch it again'):
      data.load(name, tmp_path)
    (tmp_path / file).write_bytes(whole)
  assert len(data.load(name, tmp_path).test.y) == 2


def test_a_training_file_without_its_last_record(tmp_path):
  _write(tmp_path, 'cifar10')
  file = tmp_path / _BATCHES[3]
  file.write_bytes(file.read_bytes()[:3073])
  with pytest.raises(InputError, match=r'batch_4\.bin must be as long.* 3,073'):
    data.load('cifar10', tmp_path)


@pytest.mark.parametrize(
  ('name', 'labels', 'match'),
  [
    ('cifar10', [10], 'a label of 0 to 9 in each record, got 10 in record 1'),
    ('cifar100', [20, 0], 'a coarse label of 0 to 19 .*got 20 in record 1'),
    ('cifar100', [0, 100], 'a fine label of 0 to 99 .*got 100 in record 1'),
  ],
)
def test_a_label_out_of_range(tmp_path, name, labels, match):
  _write(tmp_path, name)
  file = tmp_path / _FILES[name][1][-1]
  file.write_bytes(_record(0, _labels(name, 0)) + _record(1, labels))
  with pytest.raises(InputError, match=f'{file} must hold {match}'):
    data.load(name, tmp_path)


def test_one_set_in_the_place_of_the_other(tmp_path):
  _write(tmp_path, 'cifar100')
  for file in _FILES['cifar10'][1]:
    (tmp_path / file).write_bytes((tmp_path / 'test.bin').read_bytes())
  with pytest.raises(InputError, match='whole records of 3,073 bytes'):
    data.load('cifar10', tmp_path)


def test_a_folder_in_the_place_of_a_file(tmp_path):
  _write(tmp_path, 'cifar100')
  (tmp_path / 'test.bin').unlink()
  (tmp_path / 'test.bin').mkdir()
  with pytest.raises(InputError, match=r'test\.bin must be a readable file'):
    data.load('cifar100', tmp_path)


def test_the_official_files(data_dir):
  if not (data_dir / 'cifar-10-batches-bin').is_dir():
    pytest.skip(f'{data_dir} has no folder cifar-10-batches-bin')
  got = data.load('cifar10', data_dir)
  assert got.train.x.shape == (50000, 32, 32, 3)
  assert np.bincount(got.train.y).tolist() == [5000] * 10
  assert np.bincount(got.test.y).tolist() == [1000] * 10
  assert got.train.y[:8].tolist() == [6, 9, 9, 4, 1, 1, 2, 7]
  assert got.test.y[:8].tolist() == [3, 8, 8, 0, 6, 6, 1, 6]
  # The means and deviations of the channels that are quoted everywhere.
  counts = [
    np.bincount(got.train.x[..., c].ravel(), minlength=256) for c in range(3)
  ]
  share = np.array(counts) / (50000 * 1024)
  mean = share @ np.arange(256)
  deviation = np.sqrt(share @ np.arange(256) ** 2 - mean**2)
  np.testing.assert_allclose(mean / 255, [0.4914, 0.4822, 0.4465], atol=5e-5)
  np.testing.assert_allclose(
    deviation / 255, [0.247, 0.2435, 0.2616], atol=5e-5
  )
  # And of all of them together, which the scale has.
  assert mean.mean() == pytest.approx(cifar.SCALE.mean, abs=1e-3)
  together = np.sqrt(share.mean(0) @ np.arange(256) ** 2 - mean.mean() ** 2)
  assert together == pytest.approx(cifar.SCALE.deviation, abs=5e-3)
