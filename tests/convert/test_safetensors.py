"""The bytes of a `.safetensors`, and what is refused of one."""

import json
import os

import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from safetensors import numpy as theirs
from safetensors import safe_open

from prunax import convert, tree
from prunax.convert import safetensors
from prunax.errors import InputError

_KERNEL = np.arange(6, dtype=np.float32).reshape(3, 2)
_TREE = {'conv1': {'kernel': _KERNEL, 'bias': np.ones(2)}, 'n': np.int64(7)}


def _file(header, body=b''):
  """A file by hand: the header's length, the header, the tensors' bytes."""
  if not isinstance(header, bytes):
    header = json.dumps(header).encode()
  return len(header).to_bytes(8, 'little') + header + body


def test_the_bytes_of_the_format(tmp_path):
  path = tmp_path / 'a.safetensors'
  header = {
    '__metadata__': {'prunax': '{"stage": "dns"}', 'format': 'np'},
    'ip/bias': {'dtype': 'BF16', 'shape': [2], 'data_offsets': [0, 4]},
    'ip/kernel': {'dtype': 'F32', 'shape': [1, 2], 'data_offsets': [4, 12]},
  }
  body = b'\x80\x3f\x00\xc0' + b'\x00\x00\x80\x3f\x00\x00\x00\xc0'
  path.write_bytes(_file(header, body))
  got, meta = safetensors.load(path)
  assert meta == {'stage': 'dns'}
  assert got['ip']['bias'].dtype == ml_dtypes.bfloat16
  assert got['ip']['bias'].astype(float).tolist() == [1, -2]
  assert got['ip']['kernel'].dtype == np.float32
  assert got['ip']['kernel'].tolist() == [[1, -2]]
  got['ip']['kernel'][0, 0] = 3  # What is loaded can be written to.


def test_other_programs_read_the_file(tmp_path):
  path = tmp_path / 'a.safetensors'
  safetensors.save(path, _TREE, {'k': 1})
  arrays = theirs.load_file(path)
  assert arrays.keys() == {'conv1/kernel', 'conv1/bias', 'n'}
  np.testing.assert_array_equal(arrays['conv1/kernel'], _KERNEL)
  assert arrays['n'].shape == () and arrays['n'] == 7
  with safe_open(path, 'np') as file:
    assert file.metadata() == {'prunax': '{"k": 1}'}


def test_a_file_of_another_program(tmp_path):
  path = tmp_path / 'a.safetensors'
  theirs.save_file({'conv1.weight': _KERNEL}, path, {'format': 'pt'})
  loaded = convert.load(path)
  assert list(loaded.tree) == ['conv1.weight'] and loaded.meta == {}
  np.testing.assert_array_equal(loaded.tree['conv1.weight'], _KERNEL)
  theirs.save_file({'conv1.weight': _KERNEL}, path)
  assert convert.load(path).meta == {}


def test_arrays_of_jax_and_of_other_layouts(tmp_path):
  path = tmp_path / 'a.safetensors'
  weights = {
    'jax': jnp.linspace(0, 1, 5, dtype=jnp.bfloat16),
    'columns': np.asfortranarray(_KERNEL),
    'every second': _KERNEL[:, ::2],
    'big endian': _KERNEL.astype('>f4'),
  }
  safetensors.save(path, weights, {})
  got, _ = safetensors.load(path)
  assert got['jax'].dtype == ml_dtypes.bfloat16
  for name, leaf in weights.items():
    np.testing.assert_array_equal(got[name], np.asarray(leaf))


def test_the_same_input_gives_the_same_bytes(tmp_path):
  one, two = tmp_path / 'one.safetensors', tmp_path / 'two.safetensors'
  other = {'n': np.int64(7), 'conv1': dict(reversed(_TREE['conv1'].items()))}
  safetensors.save(one, _TREE, {'x': 1, 'y': 2})
  safetensors.save(two, other, {'y': 2, 'x': 1})
  assert one.read_bytes() == two.read_bytes()
  safetensors.save(two, other, {'y': 2, 'x': 2})
  assert one.read_bytes() != two.read_bytes()


@pytest.mark.parametrize(
  ('weights', 'meta', 'match'),
  [
    ({'a': 'text'}, {}, "leaf 'a' must have a type .* got <U4"),
    ({'a': np.array([{}])}, {}, "leaf 'a' .* got object"),
    ({'a': np.ones(2, 'c16')}, {}, "leaf 'a' .* got complex128"),
    ({'a': np.ones(2, ml_dtypes.int4)}, {}, "leaf 'a' .* got int4"),
    ({'a': np.ones(2)}, {'k': np.ones(2)}, 'meta must be writable as JSON'),
    ({'__metadata__': np.ones(2)}, {}, 'names of their own'),
    ({'a': {'b': np.ones(1)}, 'a/b': np.ones(1)}, {}, 'names of their own'),
    ({'a': np.ones(1), 'a/b': np.ones(1)}, {}, "'a' must be a leaf or hold"),
    ({'': np.ones(1)}, {}, 'words between slashes'),
    ({'a\0': np.ones(1)}, {}, 'text that every program'),
    ({'\ud800': np.ones(1)}, {}, 'text that every program'),
    ({}, {}, 'at least one leaf'),
  ],
)
def test_what_cannot_be_saved(tmp_path, weights, meta, match):
  path = tmp_path / 'a.safetensors'
  with pytest.raises(InputError, match=match) as error:
    safetensors.save(path, weights, meta)
  assert str(error.value).startswith(str(path))
  assert os.listdir(tmp_path) == []


def test_a_refused_save_leaves_the_old_file(tmp_path):
  path = tmp_path / 'a.safetensors'
  safetensors.save(path, _TREE, {})
  old = path.read_bytes()
  with pytest.raises(InputError):
    safetensors.save(path, {'a': np.array(['x'])}, {})
  with pytest.raises(InputError, match=r"suffix '\.npz'"):
    safetensors.save(tmp_path / 'b.npz', _TREE, {})
  with pytest.raises(InputError, match='No such file'):
    safetensors.save(tmp_path / 'no' / 'b.safetensors', _TREE, {})
  assert path.read_bytes() == old
  assert os.listdir(tmp_path) == ['a.safetensors']


_ONE = {'dtype': 'F32', 'shape': [1], 'data_offsets': [0, 4]}
_WITH = {'a': _ONE}
_TWICE = b'{"a":%s,"a":%s}' % (
  json.dumps(_ONE).encode(),
  json.dumps(_ONE | {'data_offsets': [4, 8]}).encode(),
)


@pytest.mark.parametrize(
  ('data', 'match'),
  [
    (b'', 'header too small'),
    (b'\xff' * 8, 'header too large'),
    ((2**40).to_bytes(8, 'little') + b'{}', 'header too large'),
    ((90_000_000).to_bytes(8, 'little') + b'{}', 'invalid header length'),
    (_file(b'no json'), 'invalid JSON'),
    (_file(b'\xff\xfe'), 'UTF-8'),
    (_file(b'{"a":' + b'[' * 9_000), 'JSON'),
    (_file(_WITH, b'abc'), 'not fully covered'),
    (_file(_WITH, b'abcde'), 'not fully covered'),
    (_file({'a': _ONE, 'b': _ONE}, b'abcd'), 'invalid offset'),
    (_file(_TWICE, b'abcdefgh'), 'invalid offset'),
    (_file({'a': _ONE | {'data_offsets': [4, 0]}}, b'abcd'), 'offset'),
    (_file({'a': _ONE | {'data_offsets': [4, 8]}}, b'abcdefgh'), 'offset'),
    (_file({'a': _ONE | {'shape': [2]}}, b'abcd'), 'must be a whole'),
    (_file({'a': _ONE | {'shape': [2**62, 4]}}, b'abcd'), 'overflow'),
    (_file({'a': _ONE | {'shape': [-1]}}, b'abcd'), 'invalid value'),
    (_file({'a': _ONE | {'shape': [1] * 99}}, b'abcd'), "tensor 'a'"),
    (_file({'a': _ONE | {'dtype': 'F99'}}, b'abcd'), 'unknown variant'),
    (_file({'a': _ONE | {'dtype': 'F64'}}, b'abcd'), 'must be a whole'),
    (_file({'a': _ONE | {'dtype': 'F4', 'shape': [8]}}, b'abcd'), 'type F4'),
    (
      _file({'a': _ONE | {'dtype': 'BOOL', 'shape': [4]}}, b'\0\1\2\1'),
      'truth',
    ),
    (_file({'a': {'dtype': 'F32'}}), 'missing field'),
    (_file({'__metadata__': {'k': 1}, **_WITH}, b'abcd'), 'invalid type'),
    (_file({}), 'must hold a tensor, got none'),
    (_file({'__metadata__': {'prunax': '['}, **_WITH}, b'abcd'), 'JSON in its'),
    (_file({'__metadata__': {'prunax': '[]'}, **_WITH}, b'abcd'), 'an object'),
    (
      _file({'__metadata__': {'prunax': '[' * 99_999}, **_WITH}, b'abcd'),
      "metadata 'prunax'",
    ),
    (_file({'a//b': _ONE}, b'abcd'), 'words between slashes'),
  ],
)
def test_hostile_files(tmp_path, data, match):
  path = tmp_path / 'a.safetensors'
  path.write_bytes(data)
  with pytest.raises(InputError, match=match) as error:
    safetensors.load(path)
  assert str(error.value).startswith(str(path)) and '\n' not in str(error.value)


def test_an_empty_tensor_whose_shape_no_array_can_have(tmp_path):
  path = tmp_path / 'a.safetensors'
  huge = {'dtype': 'F32', 'shape': [0, 2**63], 'data_offsets': [0, 0]}
  path.write_bytes(_file({'a': huge}))
  with pytest.raises(InputError, match="readable tensor 'a'"):
    safetensors.load(path)


def test_nothing_there_and_a_folder(tmp_path):
  path = tmp_path / 'a.safetensors'
  with pytest.raises(InputError, match=r'a\.safetensors must .*No such file'):
    safetensors.load(path)
  path.mkdir()
  with pytest.raises(InputError, match='Is a directory'):
    safetensors.load(path)


def test_a_caffemodel_goes_through_a_safetensors(models_dir, tmp_path):
  for file in sorted(models_dir.glob('*.caffemodel')):
    weights = convert.load(file).tree
    convert.save(tmp_path / 'a.safetensors', weights, {'from': file.name})
    again = convert.load(tmp_path / 'a.safetensors')
    assert again.meta == {'from': file.name}
    want = tree.named_leaves(weights)
    for name, leaf in tree.named_leaves(again.tree).items():
      assert leaf.tobytes() == want.pop(name).tobytes()
    assert not want
