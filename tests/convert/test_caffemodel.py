import struct

import numpy as np
import pytest

from prunax import tree
from prunax.convert import caffemodel
from prunax.convert.caffemodel.proto import NetParameter
from prunax.errors import InputError


def _blob(blobs, array, legacy=False, double=False):
  array = np.asarray(array, np.float64)
  blob = blobs.add()
  if legacy:
    shape = (1,) * (4 - array.ndim) + array.shape
    blob.num, blob.channels, blob.height, blob.width = shape
  else:
    blob.shape.dim.extend(array.shape)
  values = blob.double_data if double else blob.data
  values.extend(array.ravel().tolist())
  return blob


def _layer(net, name, kind, *arrays, **how):
  layer = net.layer.add(name=name, type=kind)
  for array in arrays:
    _blob(layer.blobs, array, **how)
  return layer


def _read(tmp_path, net):
  path = tmp_path / 'net.caffemodel'
  path.write_bytes(net.SerializeToString())
  return caffemodel.read(path)


_CONV = np.arange(1, 49).reshape(4, 2, 2, 3)
_IP = np.arange(1, 7).reshape(3, 2)


def test_the_bytes_of_the_format(tmp_path):
  # name (1), type (2) and blobs (7) of a layer (100); shape (7) and data (5).
  blob = (
    b'\x3a\x04\x0a\x02\x02\x02' + b'\x2a\x10' + struct.pack('<4f', 1, 2, 3, 4)
  )
  body = b'\x0a\x02ip' + b'\x12\x0cInnerProduct'
  body += b'\x3a' + bytes([len(blob)]) + blob
  path = tmp_path / 'net.caffemodel'
  path.write_bytes(b'\xa2\x06' + bytes([len(body)]) + body)
  got = caffemodel.read(path)
  assert got.keys() == {'ip'} and got['ip'].keys() == {'kernel'}
  assert got['ip']['kernel'].tolist() == [[1, 3], [2, 4]]


def test_the_bytes_of_a_v1_file(tmp_path):
  # name (4), type (5) and blobs (6) of a layer (2); num, channels, height and
  # width (1 to 4), and data (5) that is not packed.
  data = b''.join(b'\x2d' + struct.pack('<f', v) for v in (1, 2, 3, 4, 5, 6))
  blob = b'\x08\x01\x10\x01\x18\x02\x20\x03' + data
  body = b'\x22\x02ip' + b'\x28\x0e' + b'\x32' + bytes([len(blob)]) + blob
  path = tmp_path / 'net.caffemodel'
  path.write_bytes(b'\x12' + bytes([len(body)]) + body)
  got = caffemodel.read(path)
  assert got['ip']['kernel'].tolist() == [[1, 4], [2, 5], [3, 6]]


@pytest.mark.parametrize('legacy', [False, True])
@pytest.mark.parametrize('double', [False, True])
@pytest.mark.parametrize(
  'prefix', ['', 'C', 'DNS', 'Cmp', 'INQ'], ids=lambda p: p or 'plain'
)
def test_layouts(tmp_path, legacy, double, prefix):
  how = {'legacy': legacy, 'double': double}
  net = NetParameter()
  net.layer.add(name='data', type='Data')
  _layer(net, 'conv', f'{prefix}Convolution', _CONV, [1, 2, 3, 4], **how)
  _layer(net, 'ip', f'{prefix}InnerProduct', _IP, [5, 6, 7], **how)
  got = _read(tmp_path, net)
  assert got.keys() == {'conv', 'ip'}
  kernel = got['conv']['kernel']
  assert kernel.shape == (2, 3, 2, 4) and kernel.flags.c_contiguous
  for o, i, h, w in np.ndindex(_CONV.shape):
    assert kernel[h, w, i, o] == _CONV[o, i, h, w]
  np.testing.assert_array_equal(got['ip']['kernel'], _IP.T)
  assert got['conv']['bias'].tolist() == [1, 2, 3, 4]
  assert got['ip']['bias'].tolist() == [5, 6, 7]
  assert all(x.dtype == np.float32 for x in tree.named_leaves(got).values())


@pytest.mark.parametrize('number, kind', [(4, 'conv'), (14, 'ip'), (5, 'data')])
def test_v1_layers_by_the_number_of_their_type(tmp_path, number, kind):
  net = NetParameter()
  layer = net.layers.add(name='one', type=number)
  weight = {'conv': _CONV, 'ip': _IP, 'data': _IP}[kind]
  _blob(layer.blobs, weight, legacy=True)
  _blob(layer.blobs, np.ones(len(weight)), legacy=True)
  got = _read(tmp_path, net)['one']
  if kind == 'data':
    assert got['blob0'].shape == (1, 1, 3, 2) and got['blob1'].size == 3
  else:
    want = _CONV.transpose(2, 3, 1, 0) if kind == 'conv' else _IP.T
    np.testing.assert_array_equal(got['kernel'], want)
    assert got['bias'].tolist() == [1] * len(weight)


def test_an_inner_product_that_is_stored_transposed(tmp_path):
  net = NetParameter()
  layer = _layer(net, 'ip', 'InnerProduct', _IP, [1, 2])
  layer.inner_product_param.transpose = True
  np.testing.assert_array_equal(_read(tmp_path, net)['ip']['kernel'], _IP)


def test_a_convolution_over_time_and_a_depthwise_one(tmp_path):
  video = np.arange(2 * 3 * 4 * 5 * 6).reshape(2, 3, 4, 5, 6)
  net = NetParameter()
  _layer(net, 'video', 'Convolution', video)
  _layer(net, 'depthwise', 'DepthwiseConvolution', _CONV[:, :1])
  got = _read(tmp_path, net)
  want = video.transpose(2, 3, 4, 1, 0)
  np.testing.assert_array_equal(got['video']['kernel'], want)
  assert got['depthwise']['kernel'].shape == (2, 3, 1, 4)


@pytest.mark.parametrize('version', ['layer', 'layers'])
def test_masks_are_applied(tmp_path, version):
  net = NetParameter()
  for name, v2, v1, weight in (
    ('conv', 'CConvolution', 4, -_CONV[:2, :1, :1, :2]),
    ('ip', 'CInnerProduct', 14, -_IP[:2]),
  ):
    kind = v2 if version == 'layer' else v1
    layer = getattr(net, version).add(name=name, type=kind)
    mask = np.reshape([0, 1, 1, 0], weight.shape)
    for array in (weight, [-1, -2], mask, [1, 0]):
      _blob(layer.blobs, array, legacy=version == 'layers')
  got = _read(tmp_path, net)
  # In Caffe's order [[-1, -2], [-13, -14]] and [[-1, -2], [-3, -4]], each
  # under [[0, 1], [1, 0]].
  assert got['conv']['kernel'].reshape(2, 2).tolist() == [[0, -13], [-2, 0]]
  assert got['ip']['kernel'].tolist() == [[0, -3], [-2, 0]]
  for name in ('conv', 'ip'):
    assert got[name]['bias'].tolist() == [-1, 0]
    for leaf in got[name].values():
      assert not np.signbit(leaf[leaf == 0]).any()


@pytest.mark.parametrize('hidden, alive', [(1.001, True), (-0.001, False)])
def test_the_number_that_olmp_hides_in_a_mask(tmp_path, hidden, alive):
  net = NetParameter()
  mask = np.array([[hidden, 1], [0, 1], [1, 0]])
  _layer(net, 'ip', 'CInnerProduct', _IP, [1, 1, 1], mask, [1, 1, 1])
  got = _read(tmp_path, net)['ip']['kernel']
  assert got.tolist() == [[1 if alive else 0, 0, 5], [2, 4, 0]]


def test_a_mask_of_the_weight_only(tmp_path):
  net = NetParameter()
  _layer(net, 'ip', 'InnerProduct', _IP, [1, 2, 3], _IP > 2)
  got = _read(tmp_path, net)['ip']
  assert got['kernel'].tolist() == [[0, 3, 5], [0, 4, 6]]
  assert got['bias'].tolist() == [1, 2, 3]


def test_the_masks_of_inq_switch_nothing_off(tmp_path):
  net = NetParameter()
  _layer(net, 'ip', 'INQInnerProduct', _IP, [1, 2, 3], _IP > 2, [0, 0, 0])
  got = _read(tmp_path, net)['ip']
  np.testing.assert_array_equal(got['kernel'], _IP.T)
  assert got['bias'].tolist() == [1, 2, 3]


def test_zeros_are_positive_without_a_mask_too(tmp_path):
  net = NetParameter()
  _layer(net, 'ip', 'InnerProduct', [[-0.0, 1.0]], [-0.0])
  _layer(net, 'norm', 'BatchNorm', [-0.0])
  for leaf in tree.named_leaves(_read(tmp_path, net)).values():
    assert not np.signbit(leaf).any()


def test_other_layers_keep_their_blobs(tmp_path):
  net = NetParameter()
  _layer(net, 'norm', 'BatchNorm', [1, 2], [3, 4], [5])
  _layer(net, 'up', 'Deconvolution', _CONV, [1, 2])
  got = _read(tmp_path, net)
  assert {k: v.tolist() for k, v in got['norm'].items()} == {
    'blob0': [1, 2],
    'blob1': [3, 4],
    'blob2': [5],
  }
  np.testing.assert_array_equal(got['up']['blob0'], _CONV)


def test_a_layer_name_is_a_path(tmp_path):
  net = NetParameter()
  _layer(net, 'fire2/squeeze', 'Convolution', _CONV)
  _layer(net, 'fire2/expand', 'Convolution', _CONV)
  assert _read(tmp_path, net)['fire2'].keys() == {'squeeze', 'expand'}


@pytest.mark.parametrize(
  'kind, arrays, match',
  [
    ('Convolution', [_IP], r'weight \[out, in, height, width\], .*\(3, 2\)'),
    ('InnerProduct', [_CONV], r'weight \[out, in\], .*\(4, 2, 2, 3\)'),
    ('InnerProduct', [[1, 2]], r'weight \[out, in\], got the shape \(2,\)'),
    ('InnerProduct', [_IP, [1, 2]], r'bias of 3 entries, .*\(2,\)'),
    ('CInnerProduct', [_IP, [1, 2, 3], [[1]]], r'masks .*\(1, 1\)'),
    ('CInnerProduct', [_IP, [1, 2, 3], _IP, [1]], r'masks .*\(1,\)'),
    ('CInnerProduct', [_IP, *[[1, 2, 3]] * 4], 'at most two masks.* 5 blobs'),
  ],
)
def test_blobs_that_do_not_fit(tmp_path, kind, arrays, match):
  net = NetParameter()
  _layer(net, 'odd', kind, *arrays)
  with pytest.raises(InputError, match=match) as error:
    _read(tmp_path, net)
  assert str(error.value).startswith(f"{tmp_path}/net.caffemodel, layer 'odd'")


@pytest.mark.parametrize('dims', [(3, 3), (0, 2), (-3, -2), ()])
def test_a_blob_of_another_size_than_its_shape(tmp_path, dims):
  net = NetParameter()
  blob = _layer(net, 'ip', 'InnerProduct', _IP).blobs[0]
  del blob.shape.dim[:]
  blob.shape.dim.extend(dims)
  with pytest.raises(InputError, match=r"layer 'ip', blob 0 .* got 6:"):
    _read(tmp_path, net)


@pytest.mark.parametrize('names', [('a', 'a'), ('',), ('a', 'a/kernel')])
def test_names_that_do_not_fit_into_a_tree(tmp_path, names):
  net = NetParameter()
  for name in names:
    _layer(net, name, 'InnerProduct', _IP)
  with pytest.raises(InputError, match=r'net\.caffemodel.*rename'):
    _read(tmp_path, net)


def test_files_that_are_no_caffemodel(tmp_path):
  path = tmp_path / 'net.caffemodel'
  with pytest.raises(InputError, match=r'net\.caffemodel must .*No such file'):
    caffemodel.read(path)
  with pytest.raises(InputError, match='Is a directory'):
    caffemodel.read(tmp_path)
  path.write_bytes(b'')
  with pytest.raises(InputError, match='must have a layer with weights'):
    caffemodel.read(path)
  path.write_text('name: "LeNet"\nlayer { name: "ip" }\n')
  with pytest.raises(InputError, match=r'net\.caffemodel must'):
    caffemodel.read(path)
  net = NetParameter()
  net.layer.add(name='data', type='Data')
  with pytest.raises(InputError, match='must have a layer with weights'):
    _read(tmp_path, net)


def test_every_cut_of_a_file_is_an_error(tmp_path):
  net = NetParameter()
  _layer(net, 'ip', 'InnerProduct', _IP, [1, 2, 3])
  whole = net.SerializeToString()
  path = tmp_path / 'net.caffemodel'
  for cut in range(len(whole)):
    path.write_bytes(whole[:cut])
    with pytest.raises(InputError, match=r'net\.caffemodel must'):
      caffemodel.read(path)
