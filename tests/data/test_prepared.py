import io
import struct
import sys
import zlib

import numpy as np
import pytest
import tensorflow_datasets as tfds

from prunax import data
from prunax.data import cifar
from prunax.errors import InputError

_SHAPE = (4, 5, 3)


def _image(i):
  return (np.arange(60).reshape(_SHAPE) + i).astype(np.uint8)


def _png(image):
  def chunk(kind, body):
    crc = struct.pack('>I', zlib.crc32(kind + body))
    return struct.pack('>I', len(body)) + kind + body + crc

  height, width, _ = image.shape
  rows = b''.join(b'\0' + row.tobytes() for row in image)
  head = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
  parts = [(b'IHDR', head), (b'IDAT', zlib.compress(rows)), (b'IEND', b'')]
  return io.BytesIO(
    b'\x89PNG\r\n\x1a\n' + b''.join(chunk(kind, body) for kind, body in parts)
  )


def _prepare(folder, features, example, splits=('train', 'test'), name='tiny'):
  """Writes a set as ArrayRecord: 7 training examples, 2 others."""
  place = folder / name / '1.2.3'
  place.mkdir(parents=True)
  identity = tfds.core.dataset_info.DatasetIdentity(
    name, tfds.core.Version('1.2.3'), str(place), module_name=name
  )
  info = tfds.core.DatasetInfo(
    builder=identity, features=tfds.features.FeaturesDict(features)
  )
  writer = tfds.core.SequentialWriter(
    info, max_examples_per_shard=4, file_format='array_record'
  )
  writer.initialize_splits(list(splits))
  for split in splits:
    count = 7 if split == 'train' else 2
    writer.add_examples({split: [example(i) for i in range(count)]})
  writer.close_all()


_PLAIN = {
  'image': tfds.features.Tensor(shape=_SHAPE, dtype=np.uint8),
  'label': tfds.features.ClassLabel(num_classes=4),
}


def _example(i):
  return {'image': _image(i), 'label': i % 3}


def _check(split, count):
  assert split.x.dtype == np.uint8 and split.y.dtype == np.int32
  want = np.stack([_image(i) for i in range(count)])
  np.testing.assert_array_equal(split.x, want)
  assert split.y.tolist() == [i % 3 for i in range(count)]


@pytest.mark.parametrize('name', ['tiny', 'tiny:1.2.3', 'tiny:1.*.*'])
def test_reads_a_prepared_set(tmp_path, name):
  _prepare(tmp_path, _PLAIN, _example)
  got = data.load(f'tfds:{name}', tmp_path)
  assert (got.name, got.classes) == (f'tfds:{name}', 4)
  _check(got.train, 7)
  _check(got.test, 2)
  assert 'tensorflow' not in sys.modules


@pytest.mark.parametrize('name', ['tiny', 'cifar10:1.2.3', 'cifar100:1.*.*'])
def test_the_scale_is_that_of_the_set(tmp_path, name):
  _prepare(tmp_path, _PLAIN, _example, name=name.partition(':')[0])
  got = data.load(f'tfds:{name}', tmp_path)
  assert got.scale == (data.scale if name == 'tiny' else cifar.SCALE)


def test_the_folder_from_the_environment(tmp_path, monkeypatch):
  _prepare(tmp_path, _PLAIN, _example, splits=('train', 'validation'))
  monkeypatch.setenv('PRUNAX_DATA_DIR', str(tmp_path))
  _check(data.load('tfds:tiny').test, 2)


def test_encoded_images(tmp_path):
  pytest.importorskip('PIL')
  features = {
    'image': tfds.features.Image(shape=_SHAPE, encoding_format='png'),
    'label': tfds.features.Scalar(np.int64),
  }
  _prepare(
    tmp_path, features, lambda i: {'image': _png(_image(i)), 'label': i % 3}
  )
  got = data.load('tfds:tiny', tmp_path)
  _check(got.train, 7)
  assert got.classes == 3


@pytest.mark.parametrize(
  'name', ['tiny', 'tiny/big', 'tiny:9.9.9', 'mnist', '']
)
def test_what_is_not_prepared(tmp_path, name):
  with pytest.raises(InputError, match=f'^tfds:{name} must be prep') as error:
    data.load(f'tfds:{name}', tmp_path)
  assert str(tmp_path) in str(error.value)
  assert '\n' not in str(error.value)


def test_another_version_is_prepared(tmp_path):
  _prepare(tmp_path, _PLAIN, _example)
  with pytest.raises(InputError, match='must be prepared'):
    data.load('tfds:tiny:2.0.0', tmp_path)


def test_a_cut_file(tmp_path):
  _prepare(tmp_path, _PLAIN, _example)
  file = next((tmp_path / 'tiny' / '1.2.3').glob('*train.array_record*'))
  whole = file.read_bytes()
  for cut in (0, 40, len(whole) // 2, len(whole) - 1):
    file.write_bytes(whole[:cut])
    with pytest.raises(InputError, match=r'^tfds:tiny .*prepare it'):
      data.load('tfds:tiny', tmp_path)


def test_no_test_set(tmp_path):
  _prepare(tmp_path, _PLAIN, _example, splits=('train',))
  with pytest.raises(InputError, match=r"must have the splits .*\['train'\]"):
    data.load('tfds:tiny', tmp_path)


def test_no_labels(tmp_path):
  features = {'image': _PLAIN['image']}
  _prepare(tmp_path, features, lambda i: {'image': _image(i)})
  with pytest.raises(InputError, match=r"must have the features .*\['image'\]"):
    data.load('tfds:tiny', tmp_path)


def test_images_of_two_sizes(tmp_path):
  features = {
    **_PLAIN,
    'image': tfds.features.Tensor(shape=(None, 5, 3), dtype=np.uint8),
  }
  _prepare(
    tmp_path, features, lambda i: {'image': _image(i)[: 3 + i % 2], 'label': 0}
  )
  with pytest.raises(InputError, match='images of one shape'):
    data.load('tfds:tiny', tmp_path)


def test_unlabelled_examples(tmp_path):
  features = {**_PLAIN, 'label': tfds.features.Scalar(np.int64)}
  _prepare(tmp_path, features, lambda i: {'image': _image(i), 'label': -1})
  with pytest.raises(InputError, match=r'tfds:tiny .* got -1 to -1'):
    data.load('tfds:tiny', tmp_path)
