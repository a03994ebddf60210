"""What is saved is loaded, for trees and files that hypothesis makes."""

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from prunax import convert, tree
from prunax.errors import InputError

NATIVE = ['b1', 'i1', 'u2', 'i4', 'u8', 'f2', 'f4', 'f8', 'c8']
SMALL = ['bfloat16', 'float8_e4m3fn', 'float8_e5m2', 'float8_e8m0fnu']

# Half a surrogate pair and NUL are no part of a name; a slash divides it.
words = st.text(
  st.characters(exclude_categories=['Cs'], exclude_characters='/\0'),
  min_size=1,
  max_size=6,
).filter(lambda word: not word.startswith('__'))


def bits(dtype, shape):
  """Arrays of any bits of a type."""
  dtype = np.dtype(getattr(ml_dtypes, dtype, dtype))
  size = int(np.prod(shape)) * dtype.itemsize
  top = 1 if dtype.kind == 'b' else 255
  return st.lists(st.integers(0, top), min_size=size, max_size=size).map(
    lambda data: np.array(data, np.uint8).view(dtype).reshape(shape)
  )


leaves = st.tuples(
  st.sampled_from(NATIVE + SMALL),
  hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
).flatmap(lambda drawn: bits(*drawn))

trees = st.dictionaries(
  words,
  st.recursive(
    leaves,
    lambda inner: st.dictionaries(words, inner, min_size=1, max_size=2),
    max_leaves=3,
  ),
  min_size=1,
  max_size=3,
)

metas = st.dictionaries(
  st.text(max_size=4).filter(lambda key: not key.startswith('__')),
  st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2),
  ),
  max_size=3,
)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
  """One folder for all files: each example replaces that of the last."""
  return tmp_path_factory.mktemp('files')


def assert_same(got, want):
  """The same names, and of each leaf the same type, shape and bits."""
  got, want = tree.named_leaves(got), tree.named_leaves(want)
  assert got.keys() == want.keys()
  for name, leaf in want.items():
    assert got[name].dtype == leaf.dtype and got[name].shape == leaf.shape
    assert got[name].tobytes() == leaf.tobytes(), name


@pytest.mark.parametrize('name', ['a.npz', 'a.safetensors'])
@given(weights=trees, meta=metas)
@settings(max_examples=60, deadline=None)
def test_all_bits_survive(folder, name, weights, meta):
  path = folder / name
  convert.save(path, weights, meta)
  loaded = convert.load(path)
  assert_same(loaded.tree, weights)
  assert loaded.meta == meta and loaded.stored is None
  first = path.read_bytes()
  convert.save(path, loaded.tree, loaded.meta)
  assert path.read_bytes() == first


@st.composite
def layers(draw):
  """What a layer of a `.caffemodel` can hold."""
  shape = draw(hnp.array_shapes(min_dims=1, max_dims=5, max_side=3))
  if len(shape) == 1:
    count = draw(st.integers(1, 12))
    return {f'blob{i}': draw(bits('f4', shape)) for i in range(count)}
  layer = {'kernel': draw(bits('f4', shape))}
  if draw(st.booleans()):
    layer['bias'] = draw(bits('f4', shape[-1:]))
  return layer


nets = st.dictionaries(
  words,
  layers() | st.dictionaries(words, layers(), min_size=1, max_size=2),
  min_size=1,
  max_size=3,
)


@given(nets)
@settings(max_examples=60, deadline=None)
def test_all_values_survive_a_caffemodel(folder, weights):
  path = folder / 'a.caffemodel'
  convert.save(path, weights, {})
  loaded = convert.load(path)
  assert loaded == (loaded.tree, {}, None)
  got, want = tree.named_leaves(loaded.tree), tree.named_leaves(weights)
  assert got.keys() == want.keys()
  for name, leaf in want.items():
    number = ~np.isnan(leaf)
    # A zero has no sign in a .caffemodel, and a NaN no payload.
    positive = np.where(leaf == 0, np.float32(0), leaf)
    assert got[name].dtype == np.float32 and got[name].shape == leaf.shape
    np.testing.assert_array_equal(~np.isnan(got[name]), number)
    assert got[name][number].tobytes() == positive[number].tobytes()
  first = path.read_bytes()
  convert.save(path, loaded.tree, {})
  again = convert.load(path).tree
  assert path.stat().st_size == len(first)
  assert_same(again, loaded.tree)


_WEIGHTS = {
  'conv': {
    'kernel': np.arange(8, dtype='f4').reshape(1, 2, 2, 2),
    'bias': np.ones(2, 'f4'),
  },
  'norm': {'blob0': np.ones(3, 'f4')},
}


@pytest.mark.parametrize('name', ['a.safetensors', 'a.caffemodel'])
def test_every_cut_is_one_sentence(tmp_path, name):
  path = tmp_path / name
  convert.save(path, _WEIGHTS, {'model': 'mine'})
  whole = path.read_bytes()
  ends = []
  for cut in range(len(whole)):
    path.write_bytes(whole[:cut])
    try:
      convert.load(path)
      ends.append(cut)
    except InputError as e:
      assert str(e).startswith(str(path)) and '\n' not in str(e)
  # Protobuf has no end: a cut between two layers is a smaller net.
  assert len(ends) == (1 if name == 'a.caffemodel' else 0)


@pytest.mark.parametrize('name', ['a.npz', 'a.safetensors', 'a.caffemodel'])
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_damage_is_one_sentence_or_other_values(folder, name, data):
  path = folder / name
  convert.save(path, _WEIGHTS, {'model': 'mine'})
  whole = bytearray(path.read_bytes())
  for _ in range(data.draw(st.integers(1, 4))):
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] = data.draw(st.integers(0, 255))
  path.write_bytes(whole)
  try:
    tree.count(convert.load(path).tree)
  except InputError as e:
    assert str(path) in str(e) and '\n' not in str(e)


@pytest.mark.parametrize('name', ['a.npz', 'a.safetensors', 'a.caffemodel'])
@given(garbage=st.binary(max_size=200))
@settings(max_examples=150, deadline=None)
def test_garbage_is_one_sentence(folder, name, garbage):
  path = folder / name
  path.write_bytes(garbage)
  try:
    assert tree.count(convert.load(path).tree)
  except InputError as e:
    assert str(path) in str(e) and '\n' not in str(e)
    return
  # Only protobuf is so loose that a few bytes may be a net.
  assert name == 'a.caffemodel'
