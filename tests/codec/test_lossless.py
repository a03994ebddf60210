"""What is written comes back bit by bit, and always as the same bytes."""

import pathlib
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prunax import codec, tree
from prunax.codec import patterns

ROOT = pathlib.Path(__file__).parent.parent.parent


def saved(path, weights):
  """The tree that comes back, with the laws that hold for every file."""
  sizes = codec.save(path, weights, {'seed': 1})
  found, meta = codec.load(path)
  assert meta == {'seed': 1}
  assert sizes.total == path.stat().st_size
  with codec.PrxFile(path) as file:
    stored = file.stored()
    assert file.size == sizes.header + sum(
      b.total for b in sizes.leaves.values()
    )
    checks = 0
    for name, x in tree.named_leaves(found).items():
      assert sizes.leaves[name].total <= x.nbytes
      checks += stored[name] - sizes.leaves[name].total
  assert 0 <= checks <= 4 * len(stored)
  return found


def test_the_types_of_the_format_are_those_of_the_code(arrays):
  assert list(patterns._NAMES) == arrays.TYPES


def test_every_type(tmp_path, arrays):
  for name in arrays.TYPES:
    wanted = {kind: arrays.make(name, (6, 7), kind, 3) for kind in arrays.KINDS}
    found = saved(tmp_path / 'a.prx', wanted)
    for kind, x in found.items():
      assert x.shape == (6, 7), (name, kind)
      want = arrays.bits(wanted[kind], name)
      assert arrays.bits(x, name) == x.tobytes() == want, (name, kind)


leaves = st.lists(
  st.tuples(
    st.integers(0, 29), st.integers(0, 13), st.integers(0, 10), st.integers(0)
  ),
  min_size=1,
  max_size=4,
)
words = st.lists(st.text(min_size=1).filter(lambda w: '/' not in w), max_size=3)


@given(leaves, words)
@settings(max_examples=60, deadline=None)
def test_trees(tmp_path_factory, arrays, drawn, path):
  nested, names, wanted = {}, [], {}
  for i, (t, s, k, seed) in enumerate(drawn):
    x = arrays.make(arrays.TYPES[t], arrays.SHAPES[s], arrays.KINDS[k], seed)
    name = '/'.join([*path[: i % 3], f'é{i}'])
    wanted[name], names = x, [*names, arrays.TYPES[t]]
  nested = tree.nest(wanted)
  file = tmp_path_factory.mktemp('codec') / 'a.prx'
  found = tree.named_leaves(saved(file, nested))
  assert found.keys() == wanted.keys()
  for (name, x), kind in zip(wanted.items(), names, strict=True):
    assert found[name].shape == x.shape and found[name].flags.writeable
    assert found[name].tobytes() == arrays.bits(x, kind)


@pytest.mark.parametrize(
  ('name', 'shape', 'kind'),
  [
    ('float32', (60_001,), 'normal'),
    ('float32', (60_001, 1), 'sparse'),
    ('float16', (1, 60_001), 'few values'),
    ('float64', (300, 200), 'powers of two'),
    ('bfloat16', (5, 5, 50, 60), 'sparse'),
    ('float32', (300, 250), 'short mantissas'),
    ('float32', (400, 300), 'dead lines'),
    ('int8', (300, 200), 'normal'),
    ('int64', (300, 200), 'sparse'),
    ('complex64', (200, 150), 'sparse'),
    ('uint8', (70_000,), 'any bits'),
    ('float8_e4m3fn', (300, 200), 'sparse'),
    ('bool', (300, 200), 'any bits'),
    ('float32', (100_000, 3), 'one alive'),
    ('float32', (250, 210), 'constant'),
  ],
)
def test_large_leaves(tmp_path, arrays, name, shape, kind):
  x = arrays.make(name, shape, kind, 0)
  found = saved(tmp_path / 'a.prx', {'x': x})['x']
  assert found.shape == shape and found.tobytes() == arrays.bits(x, name)


def test_nans_and_infinities_keep_their_payloads(tmp_path):
  bits = [0x7F800000, 0xFF800000, 0x7F800001, 0xFFC12345, 0x7FFFFFFF]
  x = np.array(bits * 3, np.uint32).view(np.float32)
  found = saved(tmp_path / 'a.prx', {'x': x})['x']
  assert found.view(np.uint32).tolist() == bits * 3


def test_only_negative_zeros_change(tmp_path):
  x = np.array([0.0, -0.0, 1e-45, -1e-45, -1.0], np.float32)
  z = np.array([complex(-0.0, -0.0), complex(1, -0.0)], np.complex64)
  found = saved(tmp_path / 'a.prx', {'x': x, 'z': z})
  assert found['x'].view(np.uint32).tolist() == [
    0,
    0,
    1,
    1 + (1 << 31),
    0xBF800000,
  ]
  assert found['z'].view(np.uint32).tolist() == [0, 0, 0x3F800000, 0]
  # There, the bits of a negative zero are those of NaN.
  nan = np.array([0x80], np.uint8).view(patterns.dtype(23))
  assert saved(tmp_path / 'a.prx', {'x': nan})['x'].tobytes() == b'\x80'


@pytest.mark.parametrize('name', ['float32', 'int16', 'complex128', 'uint64'])
@pytest.mark.parametrize('kind', ['normal', 'few values', 'sparse'])
def test_order_of_bytes_and_strides_do_not_matter(arrays, name, kind):
  x = arrays.make(name, (12, 14, 10), kind, 0)
  data, _ = codec.encode({'x': x})
  padded = np.zeros((24, 14, 11), x.dtype)
  padded[::2, :, 1:] = x
  for same in (
    x.astype(x.dtype.newbyteorder('>')),
    np.asfortranarray(x),
    padded[::2, :, 1:],
    x[::-1].copy()[::-1],
  ):
    assert codec.encode({'x': same})[0] == data


def test_lists_numbers_and_jax_arrays(tmp_path):
  weights = {
    'a': [jnp.arange(3.0), {'b': jnp.ones((2, 2), jnp.bfloat16)}],
    'c': 2,
  }
  found = saved(tmp_path / 'a.prx', weights)
  assert found['a']['0'].tolist() == [0, 1, 2]
  assert found['a']['1']['b'].dtype == jnp.bfloat16
  assert found['c'].shape == () and found['c'] == 2


_ANOTHER = """
import hashlib, importlib.util, sys
from prunax import codec

spec = importlib.util.spec_from_file_location('arrays', sys.argv[1])
arrays = importlib.util.module_from_spec(spec)
spec.loader.exec_module(arrays)
data, _ = codec.encode(arrays.tree(), {'b': 1, 'a': 2})
print(hashlib.sha256(data).hexdigest())
"""


def test_another_process_writes_the_same_bytes(arrays):
  path = pathlib.Path(__file__).with_name('arrays.py')
  hashes = {
    subprocess.run(
      [sys.executable, '-c', _ANOTHER, str(path)],
      check=True,
      capture_output=True,
      text=True,
      cwd=ROOT,
      env={'PYTHONHASHSEED': seed, 'PYTHONPATH': str(ROOT)},
    ).stdout
    for seed in '12'
  }
  assert len(hashes) == 1 and len(hashes.pop()) == 65
