"""Saving: whole or not at all, and what it refuses."""

import os
import subprocess
import sys

import jax
import numpy as np
import pytest

from prunax import codec
from prunax.errors import InputError

_KILLED = """
import os, signal, sys
import numpy as np
from prunax import codec, files

os.fsync = lambda number: os.kill(os.getpid(), signal.SIGKILL)
codec.save(sys.argv[1], {'x': np.arange(9)})
"""


def test_a_kill_while_it_saves_leaves_the_old_file(tmp_path):
  path = tmp_path / 'a.prx'
  codec.save(path, {'x': np.ones(3)})
  old = path.read_bytes()
  done = subprocess.run(
    [sys.executable, '-c', _KILLED, str(path)],
    check=False,
    env=dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)),
  )
  assert done.returncode == -9 and path.read_bytes() == old
  # It was on its way: what it had written lies beside.
  assert len(os.listdir(tmp_path)) == 2
  codec.save(path, {'x': np.arange(9)})
  assert codec.load(path)[0]['x'].tolist() == list(range(9))


@pytest.mark.parametrize(
  ('weights', 'says'),
  [
    ({}, 'got none'),
    ({'a': {'b': 1.0}, 'a/b': 2.0}, 'names of their own, got a/b, a/b'),
    ({'a': 1.0, 'a/b': 2.0}, "'a' must be a leaf or hold leaves"),
    ({'': 1.0}, 'words between slashes'),
    (np.ones(3), 'words between slashes'),
    ({'a/': 1.0}, 'words between slashes'),
    ({'a': {'b': np.array(['c'])}}, "leaf 'a/b' must hold numbers of a type"),
    ({'a': np.array([{}])}, "leaf 'a' must hold numbers of a type"),
    ({'a': np.array(['2020'], 'M8[s]')}, 'got datetime64'),
    ({'a': np.ones(2, 'f4,i4')}, "leaf 'a' must hold"),
    ({'a': jax.random.key(0)}, r"leaf 'a' .* got key<fry>: leave"),
    ({'a\ud800': 1.0}, 'must be Unicode'),
    ({'a' * 1025: 1.0}, 'at most 1,024 bytes'),
    ({'a/' * 64 + 'a': 1.0}, '64 words'),
  ],
  ids=lambda value: value if isinstance(value, str) else '',
)
def test_weights_that_no_file_holds(tmp_path, weights, says):
  with pytest.raises(InputError, match=says):
    codec.save(tmp_path / 'a.prx', weights)
  assert not os.listdir(tmp_path)


@pytest.mark.parametrize(
  'meta',
  [
    {'a': object()},
    {'a': {1, 2}},
    {'a': 1, 2: 3},
    {'a': np.ones(2)},
    {'a': float('nan')},
    {'a': [{'b': -np.inf}]},
    ['a'],
    [],
    '',
    0,
  ],
)
def test_meta_that_json_cannot_hold(tmp_path, meta):
  with pytest.raises(InputError, match='JSON'):
    codec.save(tmp_path / 'a.prx', {'x': np.ones(2)}, meta)
  assert not os.listdir(tmp_path)


def test_names_of_files(tmp_path):
  with pytest.raises(InputError, match=r'end in \.prx'):
    codec.save(tmp_path / 'a.npz', {'x': 1.0})
  with pytest.raises(InputError, match='must be writable'):
    codec.save(tmp_path / 'no' / 'a.prx', {'x': 1.0})
  (tmp_path / 'b.prx').mkdir()
  for name in ('a.prx', 'b.prx'):
    with pytest.raises(InputError, match='must be a readable file'):
      codec.load(tmp_path / name)


def test_one_leaf_at_a_time(tmp_path):
  path = tmp_path / 'a.prx'
  weights = {'b': {'x': np.arange(4.0)}, 'a': np.zeros((2, 3), np.int8)}
  sizes = codec.save(path, weights, {'epoch': 3})
  with codec.PrxFile(path) as file:
    assert file.meta == {'epoch': 3} and file.path == path
    assert list(file.entries) == ['a', 'b/x'] == list(sizes.leaves)
    assert file.entries['a'].shape == (2, 3) and file.stored()['a'] == 0
    assert file.read('b/x').tolist() == [0, 1, 2, 3]
    with pytest.raises(InputError, match=r"got 'c': it has a, b/x"):
      file.read('c')


def test_weights_of_a_model_on_a_device(tmp_path):
  key = jax.random.key(0)
  weights = {'k': jax.random.normal(key, (8, 8)), 'n': jax.numpy.int32(3)}
  codec.save(tmp_path / 'a.prx', weights)
  found, _ = codec.load(tmp_path / 'a.prx')
  np.testing.assert_array_equal(found['k'], weights['k'])
  assert found['n'] == 3 and found['n'].dtype == np.int32
