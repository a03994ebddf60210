import pathlib

import numpy as np
import pytest

from prunax import data
from prunax.errors import InputError


def _split(count, classes=2):
  x = np.zeros((count, 3), np.float32)
  return data.Split(x, np.arange(count) % classes)


def test_a_set_of_ones_own(tmp_path, monkeypatch):
  seen = []

  def loader(data_dir):
    seen.append(data_dir)
    return data.Dataset('other name', _split(4), _split(2), 2)

  data.register('my_set', loader)
  got = data.load('my_set', str(tmp_path))
  assert got.name == 'other name' and got.train.y.dtype == np.int32
  monkeypatch.delenv('PRUNAX_DATA_DIR', raising=False)
  data.load('my_set')
  monkeypatch.setenv('PRUNAX_DATA_DIR', 'somewhere')
  data.load('my_set')
  assert seen == [tmp_path, None, pathlib.Path('somewhere')]


def test_an_unknown_name_lists_the_known_ones():
  data.register('a_known_set', lambda _: data.Dataset('', *[_split(2)] * 2, 2))
  with pytest.raises(InputError) as error:
    data.load('minst')
  for name in ('mnist', 'digits', 'a_known_set', 'tfds:NAME', 'FILE.npz'):
    assert name in str(error.value)
  assert "'minst'" in str(error.value)


@pytest.mark.parametrize('name', ['', 'mnist', 'digits', 'tfds:x', 'a.npz'])
def test_names_that_are_taken(name):
  with pytest.raises(InputError, match='choose another name'):
    data.register(name, lambda _: None)


@pytest.mark.parametrize(
  'dataset, match',
  [
    ((_split(2), _split(2)), 'must give a prunax.data.Dataset, got tuple'),
    (data.Dataset('', _split(6, 3), _split(2), 2), 'below the 2 classes'),
    (data.Dataset('', _split(2), _split(0), 2), 'test.* at least one'),
  ],
)
def test_a_loader_that_gives_something_else(dataset, match):
  data.register('broken', lambda _: dataset)
  with pytest.raises(InputError, match=match) as error:
    data.load('broken')
  assert 'broken' in str(error.value)


def test_digits_by_name():
  assert data.load('digits').test.x.shape == (360, 28, 28, 1)
