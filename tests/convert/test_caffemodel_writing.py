"""What is written of a net is what Caffe and the reader look for."""

import os

import ml_dtypes
import numpy as np
import pytest

from prunax import convert, tree
from prunax.convert import caffemodel
from prunax.convert.caffemodel.proto import NetParameter
from prunax.errors import InputError

_CONV = np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2)
_IP = np.arange(6, dtype=np.float32).reshape(3, 2)


def _net(path):
  return NetParameter.FromString(path.read_bytes())


def _caffe(blob):
  return np.array(blob.data, np.float32).reshape(tuple(blob.shape.dim))


def test_the_bytes_of_a_file(tmp_path):
  path = tmp_path / 'a.caffemodel'
  weights = {'ip': {'kernel': np.array([[1.0, 2.0]], np.float32)}}
  caffemodel.write(path, weights, name='net')
  # dim (1) of shape (7); data (5), packed; then name (1), type (2) and blobs
  # (7) of a layer (100), and the net's name (1).
  shape = b'\x3a\x04\x0a\x02\x02\x01'
  data = b'\x2a\x08\x00\x00\x80\x3f\x00\x00\x00\x40'
  blob = {data + shape, shape + data}
  layer = [b'\x0a\x02ip\x12\x0cInnerProduct\x3a\x10' + b for b in blob]
  whole = [b'\x0a\x03net\xa2\x06' + bytes([len(x)]) + x for x in layer]
  assert path.read_bytes() in whole


def test_layouts_and_types_are_those_of_caffe(tmp_path):
  path = tmp_path / 'a.caffemodel'
  weights = {
    'conv': {'kernel': _CONV, 'bias': np.array([1, 2], np.float32)},
    'ip': {'kernel': _IP, 'bias': np.array([3, 4], np.float32)},
    'video': {'kernel': np.ones((2, 1, 3, 4, 5), np.float32)},
    'fire/squeeze': {'kernel': _CONV},
    'norm': {f'blob{i}': np.full(i + 1, i, np.float32) for i in range(11)},
  }
  caffemodel.write(path, weights, name='mine')
  net = _net(path)
  layers = {layer.name: layer for layer in net.layer}
  assert net.name == 'mine' and not net.layers
  assert {name: layer.type for name, layer in layers.items()} == {
    'conv': 'Convolution',
    'ip': 'InnerProduct',
    'video': 'Convolution',
    'fire/squeeze': 'Convolution',
    'norm': '',
  }
  kernel, bias = map(_caffe, layers['conv'].blobs)
  assert kernel.shape == (2, 2, 2, 3)
  for h, w, i, o in np.ndindex(_CONV.shape):
    assert kernel[o, i, h, w] == _CONV[h, w, i, o]
  assert bias.tolist() == [1, 2]
  kernel, bias = map(_caffe, layers['ip'].blobs)
  np.testing.assert_array_equal(kernel, _IP.T)
  assert bias.tolist() == [3, 4]
  assert _caffe(layers['video'].blobs[0]).shape == (5, 4, 2, 1, 3)
  assert [len(b.data) for b in layers['norm'].blobs] == list(range(1, 12))
  assert not any(layer.inner_product_param.transpose for layer in net.layer)


def test_published_files_are_written_as_they_were(models_dir, tmp_path):
  """Blob by blob what Caffe itself wrote, the inner product after a
  convolution among them."""
  path = tmp_path / 'a.caffemodel'
  for file in sorted(models_dir.glob('*_reference.caffemodel')):
    convert.save(path, convert.load(file).tree, {'model': 'lenet'})
    written = {layer.name: layer for layer in _net(path).layer}
    theirs = [layer for layer in _net(file).layer if layer.blobs]
    assert written.keys() == {layer.name for layer in theirs}
    for layer in theirs:
      mine = written[layer.name]
      assert mine.type == layer.type
      assert len(mine.blobs) == len(layer.blobs)
      for got, want in zip(mine.blobs, layer.blobs, strict=True):
        np.testing.assert_array_equal(_caffe(got), _caffe(want))
    assert _net(path).name == 'lenet'


@pytest.mark.parametrize(
  'dtype', ['float16', 'bfloat16', 'float8_e5m2', 'float64', '>f4']
)
def test_types_that_fit_become_float32(tmp_path, dtype):
  dtype = np.dtype(getattr(ml_dtypes, dtype, dtype))
  values = np.array([[0.5, -0.0, np.inf, np.nan, 2.0**-14]]).astype(dtype)
  caffemodel.write(tmp_path / 'a.caffemodel', {'ip': {'kernel': values}})
  got = caffemodel.read(tmp_path / 'a.caffemodel')['ip']['kernel']
  assert got.dtype == np.float32
  np.testing.assert_array_equal(got, values.astype(np.float64))


def test_a_large_blob(tmp_path):
  path = tmp_path / 'a.caffemodel'
  x = np.arange(1, 70_001, dtype=np.float32).reshape(350, 200)
  caffemodel.write(path, {'ip': {'kernel': x}})
  np.testing.assert_array_equal(caffemodel.read(path)['ip']['kernel'], x)


_ONES = np.ones((3, 2), np.float32)
_HUGE = np.broadcast_to(np.float32(0), (2**15, 2**14))


@pytest.mark.parametrize(
  ('weights', 'match'),
  [
    ({'ip': {'kernel': _ONES.astype(int)}}, "'ip/kernel' must be floating"),
    ({'ip': {'kernel': _ONES.astype('c8')}}, 'floating.* got complex64'),
    ({'ip': {'kernel': np.full((2, 1), 0.1)}}, 'float32.* float64 with 0.1'),
    ({'ip': {'kernel': np.full((2, 1), 1e300)}}, 'float32.* with 1e\\+300'),
    ({'ip': {'kernel': np.full((2, 1), 1e-300)}}, 'float32.* with 1e-300'),
    ({'ip': {'kernel': _ONES[0]}}, r"'ip/kernel' must be a kernel .*\(2,\)"),
    ({'ip': {'kernel': _ONES[:0]}}, r'must have entries .*\(0, 2\)'),
    ({'n': {'blob0': np.ones((1,) * 33)}}, 'at most 32 axes'),
    ({'ip': {'kernel': _ONES, 'bias': np.ones(3)}}, r"'ip' .*\(2,\).*\(3,\)"),
    ({'ip': {'kernel': _ONES, 'bias': np.ones((1, 2))}}, r'bias .*\(1, 2\)'),
    ({'ip': {'bias': np.ones(2)}}, "layer 'ip' must hold .* got bias"),
    ({'ip': {'kernel': _ONES, 'mask': _ONES}}, 'got kernel, mask'),
    ({'n': {'blob1': np.ones(2)}}, "layer 'n' must hold .* got blob1"),
    ({'kernel': _ONES}, "lie in a layer.* got 'kernel' on its own"),
    ({'conv1.weight': _ONES}, 'lie in a layer'),
    ({'a': {'b': {}}}, 'at least one leaf'),
    ({'ip': {'kernel': _HUGE}}, 'below 2 GiB, .* got 2,147,483,648 bytes'),
  ],
)
def test_what_cannot_be_written(tmp_path, weights, match):
  path = tmp_path / 'a.caffemodel'
  with pytest.raises(InputError, match=match) as error:
    caffemodel.write(path, weights)
  assert str(error.value).startswith(str(path)) and '\n' not in str(error.value)
  assert os.listdir(tmp_path) == []


def test_places_that_cannot_be_written(tmp_path):
  (tmp_path / 'folder.caffemodel').mkdir()
  for place, match in (
    ('no/a.caffemodel', 'No such file'),
    ('folder.caffemodel', 'must be a file'),
    ('a.npz', "suffix '.npz'"),
  ):
    with pytest.raises(InputError, match=match):
      caffemodel.write(tmp_path / place, {'ip': {'kernel': _ONES}})
  assert os.listdir(tmp_path) == ['folder.caffemodel']


def test_a_blob_of_more_axes_than_an_array_can_have(tmp_path):
  path = tmp_path / 'a.caffemodel'
  net = NetParameter()
  blob = net.layer.add(name='n').blobs.add()
  blob.shape.dim.extend([1] * 99)
  blob.data.append(1)
  path.write_bytes(net.SerializeToString())
  with pytest.raises(InputError, match='at most 32 axes, got 99'):
    caffemodel.read(path)


def test_the_suffix_tells_how_to_save(tmp_path):
  weights = {'ip': {'kernel': _ONES}}
  for name in ('a.NPZ', 'a.SafeTensors', 'a.CaffeModel'):
    convert.save(tmp_path / name, weights, {'model': 'mine'})
    loaded = convert.load(tmp_path / name)
    assert loaded.meta in ({'model': 'mine'}, {})
    np.testing.assert_array_equal(loaded.tree['ip']['kernel'], _ONES)
    assert tree.leaf_names(loaded.tree) == ['ip/kernel']
  for name in ('a.h5', 'npz', 'a.npz.bak', 'a.prx'):
    with pytest.raises(InputError, match=r'\.npz or \.safetensors, got .*'):
      convert.save(tmp_path / name, weights, {})
  assert len(os.listdir(tmp_path)) == 3
