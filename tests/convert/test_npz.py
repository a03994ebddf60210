import json
import os
import zipfile

import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from prunax import convert, tree
from prunax.convert import npz
from prunax.errors import InputError

_TREE = {
  'conv1': {
    'kernel': np.arange(6, dtype=np.float32).reshape(3, 2) - 2,
    'bias': np.array([0.5, -0.0], np.float64),
  },
  'steps': np.int64(7),
}


def _assert_same(got, want):
  got, want = tree.named_leaves(got), tree.named_leaves(want)
  assert got.keys() == want.keys()
  for name, leaf in want.items():
    leaf = np.asarray(leaf)
    assert got[name].dtype == leaf.dtype and got[name].shape == leaf.shape
    assert got[name].tobytes() == leaf.tobytes(), name


def test_what_is_saved_is_loaded(tmp_path):
  meta = {'model': 'lenet5', 'error': 0.91, 'stages': ['dns', None], 'é': {}}
  npz.save(tmp_path / 'a.npz', _TREE, meta)
  got, got_meta = npz.load(tmp_path / 'a.npz')
  _assert_same(got, _TREE)
  assert got_meta == meta
  assert os.listdir(tmp_path) == ['a.npz']


@pytest.mark.parametrize(
  'dtype', ['bfloat16', 'float8_e4m3fn', 'float8_e5m2', 'int4']
)
@pytest.mark.parametrize('shape', [(2, 3), (), (0,)])
def test_small_types_survive(tmp_path, dtype, shape):
  dtype = np.dtype(getattr(ml_dtypes, dtype))
  x = np.ones(shape, np.float32).astype(dtype)
  npz.save(tmp_path / 'a.npz', {'a': x, 'b': np.ones(2)}, {'k': 1})
  got, meta = npz.load(tmp_path / 'a.npz')
  _assert_same(got, {'a': x, 'b': np.ones(2)})
  assert meta == {'k': 1}


def test_jax_arrays_are_saved(tmp_path):
  x = jnp.linspace(0, 1, 5, dtype=jnp.bfloat16)
  npz.save(tmp_path / 'a.npz', {'a': x}, {})
  got, _ = npz.load(tmp_path / 'a.npz')
  _assert_same(got, {'a': np.asarray(x)})


def test_numpy_reads_the_file(tmp_path):
  npz.save(tmp_path / 'a.npz', _TREE, {'k': 1})
  with np.load(tmp_path / 'a.npz') as arrays:
    assert set(arrays.files) == {
      'conv1/kernel',
      'conv1/bias',
      'steps',
      '__prunax__',
    }
    np.testing.assert_array_equal(
      arrays['conv1/kernel'], _TREE['conv1']['kernel']
    )
    assert arrays['__prunax__'].dtype == np.uint8
    assert json.loads(arrays['__prunax__'].tobytes()) == {'k': 1}


def test_the_same_input_gives_the_same_bytes(tmp_path):
  kernel = _TREE['conv1']['kernel']
  one = {'b': kernel, 'a': {'d': np.ones(2), 'c': np.ones(3)}}
  two = {
    'a': {'c': np.ones(3), 'd': np.ones(2)},
    'b': np.asfortranarray(kernel),
  }
  npz.save(tmp_path / 'one.npz', one, {'x': 1, 'y': 2})
  npz.save(tmp_path / 'two.npz', two, {'y': 2, 'x': 1})
  first = (tmp_path / 'one.npz').read_bytes()
  with zipfile.ZipFile(tmp_path / 'one.npz') as archive:
    dates = {info.date_time for info in archive.infolist()}
  assert dates == {(1980, 1, 1, 0, 0, 0)}
  assert first == (tmp_path / 'two.npz').read_bytes()
  npz.save(tmp_path / 'two.npz', two, {'y': 2, 'x': 2})
  assert first != (tmp_path / 'two.npz').read_bytes()


def test_a_plain_file_of_a_user(tmp_path):
  np.savez_compressed(
    tmp_path / 'a.npz', **{'ip/kernel': np.ones((2, 3)), 'b': np.ones(1)}
  )
  got, meta = npz.load(tmp_path / 'a.npz')
  _assert_same(got, {'ip': {'kernel': np.ones((2, 3))}, 'b': np.ones(1)})
  assert meta == {}


def test_a_write_replaces_the_old_file(tmp_path):
  path = tmp_path / 'a.npz'
  npz.save(path, {'a': np.ones(300)}, {})
  npz.save(path, {'a': np.zeros(3)}, {})
  assert npz.load(path)[0]['a'].tolist() == [0, 0, 0]


def test_a_link_stays_a_link(tmp_path):
  (tmp_path / 'store').mkdir()
  link = tmp_path / 'latest.npz'
  link.symlink_to(tmp_path / 'store' / 'a.npz')
  npz.save(link, {'a': np.ones(3)}, {})
  assert link.is_symlink() and (tmp_path / 'store' / 'a.npz').is_file()


def test_the_suffix_tells_how_to_read(tmp_path):
  npz.save(tmp_path / 'a.npz', _TREE, {'k': 1})
  loaded = convert.load(tmp_path / 'a.npz')
  _assert_same(loaded.tree, _TREE)
  assert loaded.meta == {'k': 1}
  for name in ('a.h5', 'npz', 'a.npz.bak'):
    with pytest.raises(InputError, match=r'\.npz or \.safetensors, got'):
      convert.load(tmp_path / name)


def test_a_caffemodel_goes_through_an_npz(models_dir, tmp_path):
  for file in sorted(models_dir.glob('*.caffemodel')):
    loaded = convert.load(file)
    assert loaded.meta == {}
    npz.save(tmp_path / 'a.npz', loaded.tree, {'from': file.name})
    again = convert.load(str(tmp_path / 'a.npz'))
    _assert_same(again.tree, loaded.tree)
    assert again.meta == {'from': file.name}
