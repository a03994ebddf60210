import os
import resource
import zipfile

import ml_dtypes
import numpy as np
import pytest

from prunax.convert import npz
from prunax.errors import InputError

_KERNEL = np.arange(6, dtype=np.float32).reshape(3, 2)
_TREE = {'conv1': {'kernel': _KERNEL, 'bias': np.ones(2)}}


def _full(path, save):
  """Runs `save` where no file may grow beyond 1,000 bytes, as if full."""
  old = resource.getrlimit(resource.RLIMIT_FSIZE)
  resource.setrlimit(resource.RLIMIT_FSIZE, (1000, old[1]))
  try:
    save()
  finally:
    resource.setrlimit(resource.RLIMIT_FSIZE, old)


def test_a_failed_write_leaves_the_old_file(tmp_path):
  path = tmp_path / 'a.npz'
  npz.save(path, {'a': np.ones(3)}, {})
  old = path.read_bytes()
  with pytest.raises(
    InputError, match=r'a\.npz must .*File too large'
  ) as error:
    _full(path, lambda: npz.save(path, {'a': np.ones(9999)}, {}))
  assert '\n' not in str(error.value)
  assert path.read_bytes() == old and os.listdir(tmp_path) == ['a.npz']


def test_places_that_cannot_be_written(tmp_path):
  (tmp_path / 'folder.npz').mkdir()
  (tmp_path / 'file').touch()
  for place, match in (
    ('no/a.npz', 'No such file'),
    ('file/a.npz', 'Not a directory'),
    ('folder.npz', 'must be a file'),
    ('a.npy', "suffix '.npy'"),
    ('x' * 300 + '.npz', 'too long'),
  ):
    with pytest.raises(InputError, match=match) as error:
      npz.save(tmp_path / place, _TREE, {})
    assert str(error.value).startswith(str(tmp_path / place))
  assert sorted(os.listdir(tmp_path)) == ['file', 'folder.npz']


@pytest.mark.parametrize(
  'weights, meta, match',
  [
    ({'a': 'text'}, {}, "leaf 'a' must be an array of numbers, got <U4"),
    ({'a': np.array([{}])}, {}, "leaf 'a' .* got object"),
    ({'a': np.zeros(2, 'i4,f4')}, {}, "leaf 'a' must"),
    ({'a': np.ones(2)}, {'k': np.ones(2)}, 'meta must be writable as JSON'),
    ({'a': np.ones(2)}, {'__dtypes__': 1}, 'no key'),
    ({'a\0': np.ones(2)}, {}, 'text that every program'),
    ({'\ud800': np.ones(2)}, {}, 'text that every program'),
    ({'__prunax__': np.ones(2)}, {}, 'names of their own'),
    ({'a': {'b': np.ones(1)}, 'a/b': np.ones(1)}, {}, 'names of their own'),
    ({'a': np.ones(1), 'a/b': np.ones(1)}, {}, "'a' must be a leaf or hold"),
    ({'': np.ones(1)}, {}, 'words between slashes'),
    (np.ones(1), {}, 'words between slashes'),
    ({}, {}, 'at least one leaf'),
  ],
)
def test_what_cannot_be_saved(tmp_path, weights, meta, match):
  with pytest.raises(InputError, match=match) as error:
    npz.save(tmp_path / 'a.npz', weights, meta)
  assert str(error.value).startswith(str(tmp_path / 'a.npz'))
  assert os.listdir(tmp_path) == []


def test_cut_and_damaged_files(tmp_path):
  path = tmp_path / 'a.npz'
  npz.save(path, _TREE, {'k': 1})
  whole = path.read_bytes()
  for cut in range(0, len(whole), 7):
    path.write_bytes(whole[:cut])
    with pytest.raises(InputError, match=r'a\.npz must be a whole .npz file'):
      npz.load(path)
  place = whole.index(_KERNEL.tobytes())
  damaged = bytearray(whole)
  damaged[place] ^= 1
  path.write_bytes(damaged)
  with pytest.raises(
    InputError, match="readable entry 'conv1/kernel', got Bad"
  ):
    npz.load(path)


def test_damage_anywhere_raises_nothing_else(tmp_path):
  path = tmp_path / 'a.npz'
  npz.save(path, {'a': np.ones(2, ml_dtypes.bfloat16)}, {'k': 1})
  whole = path.read_bytes()
  errors = 0
  for place in range(len(whole)):
    for flip in (0x01, 0x80, 0xFF):
      damaged = bytearray(whole)
      damaged[place] ^= flip
      path.write_bytes(damaged)
      try:
        npz.load(path)
      except InputError as e:
        assert 'a.npz' in str(e) and '\n' not in str(e)
        errors += 1
  assert errors > len(whole)


def test_other_files_and_folders(tmp_path):
  path = tmp_path / 'a.npz'
  with pytest.raises(InputError, match=r'a\.npz must .*No such file'):
    npz.load(path)
  path.mkdir()
  with pytest.raises(InputError, match='Is a directory'):
    npz.load(path)
  path.rmdir()
  path.write_text('no zip')
  with pytest.raises(InputError, match='no zip file'):
    npz.load(path)
  np.savez(path)
  with pytest.raises(InputError, match='must hold an array, got none'):
    npz.load(path)
  npz.save(path, {'a': np.ones(1)}, {})
  with zipfile.ZipFile(path, 'a') as archive:
    archive.writestr('notes.txt', b'text')
  with pytest.raises(
    InputError, match=r"entry 'notes\.txt', got an entry that"
  ):
    npz.load(path)


@pytest.mark.parametrize(
  'arrays, match',
  [
    ({'a': np.array([{}])}, "readable entry 'a', got Object arrays"),
    ({'a': np.array(['x'])}, "readable entry 'a', got an entry that"),
    ({'__prunax__': np.ones(1)}, "JSON in its entry '__prunax__'"),
    ({'__prunax__': np.frombuffer(b'[]', 'u1')}, 'JSON in its entry'),
    ({'a': np.ones(1), 'a/b': np.ones(1)}, "'a' must be a leaf or hold"),
    ({'a//b': np.ones(1)}, 'words between slashes'),
  ],
)
def test_entries_that_are_no_weights(tmp_path, arrays, match):
  np.savez(tmp_path / 'a.npz', **arrays)
  with pytest.raises(InputError, match=match) as error:
    npz.load(tmp_path / 'a.npz')
  assert str(error.value).startswith(str(tmp_path / 'a.npz'))
