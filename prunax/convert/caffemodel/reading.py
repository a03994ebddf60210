"""Weights out of a `.caffemodel`, in the layouts of this package."""

import math
import pathlib
from typing import Any, NamedTuple

import numpy as np
from google.protobuf.message import DecodeError

from prunax.convert.caffemodel.proto import MOST_AXES, NetParameter
from prunax.errors import InputError
from prunax.files import PathLike
from prunax.names import nested

# The enum of V1 files, as far as their layers have weights of a known layout.
_V1_TYPES = {4: 'Convolution', 14: 'InnerProduct'}


class _Layer(NamedTuple):
  name: str
  type: str
  blobs: list[np.ndarray]
  transposed: bool
  where: str


def _parsed(path: pathlib.Path) -> Any:
  try:
    data = path.read_bytes()
  except OSError as e:
    raise InputError(
      f'{path} must be a readable .caffemodel, got {e.strerror or e}: mend the'
      ' path'
    ) from e
  try:
    return NetParameter.FromString(data)
  except DecodeError as e:
    raise InputError(
      f'{path} must be a whole .caffemodel, got {len(data)} bytes that are no'
      ' protobuf of a net: fetch the file again'
    ) from e


def _array(blob: Any, where: str) -> np.ndarray:
  """A blob's values in its shape, float32, with every zero +0.0."""
  sides = ('num', 'channels', 'height', 'width')
  # Files that precede BlobShape spell four axes, whatever the blob has.
  if any(blob.HasField(side) for side in sides):
    shape = tuple(getattr(blob, side) for side in sides)
  else:
    shape = tuple(blob.shape.dim)
  if len(shape) > MOST_AXES:
    raise InputError(
      f'{where} must have at most {MOST_AXES} axes, got {len(shape)}: the file'
      ' is damaged, fetch it again'
    )
  values = blob.data or blob.double_data
  if min(shape, default=1) < 1 or math.prod(shape) != len(values):
    raise InputError(
      f'{where} must hold as many values as its shape {shape} says, got'
      f' {len(values)}: the file is damaged, fetch it again'
    )
  with np.errstate(invalid='ignore', over='ignore'):
    flat = np.array(values, np.float32)
    # Adding +0.0 turns -0.0 into +0.0 and changes nothing else.
    return flat.reshape(shape) + np.float32(0)


def _layers(net: Any, path: pathlib.Path) -> list[_Layer]:
  layers = []
  for layer in [*net.layer, *net.layers]:
    if not layer.blobs:
      continue
    where = f'{path}, layer {layer.name!r}'
    if isinstance(layer.type, str):
      kind, transposed = layer.type, layer.inner_product_param.transpose
    else:
      kind, transposed = _V1_TYPES.get(layer.type, ''), False
    blobs = [
      _array(blob, f'{where}, blob {i}') for i, blob in enumerate(layer.blobs)
    ]
    layers.append(_Layer(layer.name, kind, blobs, transposed, where))
  return layers


def _masked(layer: _Layer) -> list[np.ndarray]:
  """Weight and bias, with the entries that their masks switch off at zero."""
  values, masks = layer.blobs[:2], layer.blobs[2:]
  # INQ's masks say which weights still learn: they switch nothing off.
  if layer.type.startswith('INQ'):
    masks = []
  if len(masks) > len(values):
    raise InputError(
      f'{layer.where} must have at most two masks after weight and bias, got'
      f' {len(layer.blobs)} blobs: its type {layer.type} is not known'
    )
  result = list(values)
  for i, mask in enumerate(masks):
    if mask.size != values[i].size:
      raise InputError(
        f'{layer.where} must have masks of the shapes of weight and bias, got'
        f' {mask.shape} for {values[i].shape}: the file is damaged'
      )
    # OLMP hides a number c in the mask's first entry: 1 + c for a mask of 1,
    # -c for a mask of 0.
    alive = mask.reshape(values[i].shape) > 0.5
    result[i] = np.where(alive, values[i], np.float32(0))
  return result


def _kernel(layer: _Layer, weight: np.ndarray) -> np.ndarray:
  if layer.type.endswith('Convolution'):
    if weight.ndim < 3:
      raise InputError(
        f'{layer.where} must have a weight [out, in, height, width], got the'
        f' shape {weight.shape}: the file is damaged'
      )
    kernel = np.moveaxis(weight, (0, 1), (-1, -2))
  else:
    if weight.ndim < 2 or math.prod(weight.shape[:-2]) != 1:
      raise InputError(
        f'{layer.where} must have a weight [out, in], got the shape'
        f' {weight.shape}: the file is damaged'
      )
    kernel = weight.reshape(weight.shape[-2:])
    kernel = kernel if layer.transposed else kernel.T
  return np.ascontiguousarray(kernel)


def _leaves(layer: _Layer) -> dict[str, np.ndarray]:
  if not layer.type.endswith(('Convolution', 'InnerProduct')):
    return {f'blob{i}': blob for i, blob in enumerate(layer.blobs)}
  weight, *biases = _masked(layer)
  leaves = {'kernel': _kernel(layer, weight)}
  for bias in biases:
    outputs = leaves['kernel'].shape[-1]
    if bias.size != outputs:
      raise InputError(
        f'{layer.where} must have a bias of {outputs} entries, got the shape'
        f' {bias.shape}: the file is damaged'
      )
    leaves['bias'] = bias.reshape(-1)
  return leaves


def read(path: PathLike) -> dict[str, Any]:
  """The weights of a `.caffemodel`, as {layer: {'kernel': ..., 'bias': ...}}.

  A convolution's [out, in, height, width] becomes [height, width, in, out], an
  inner product's [out, in] becomes [in, out], where `in` keeps Caffe's order:
  channels, height, width. The layer's type decides, by its end, so that
  CConvolution and DNSInnerProduct are read too. The blobs 2 and 3 of these,
  masks of weight and bias, are applied (but those of INQ layers, which do not
  prune). Other layers keep their blobs as 'blob0', 'blob1', and so on; layers
  without blobs are left out. A layer's name is a path: 'a/b' lies in
  {'a': {'b': ...}}.

  Args:
    path: a file with the fields `layer` or, older, `layers`.

  Returns:
    A nested dict of float32 arrays, all zeros +0.0.
  """
  path = pathlib.Path(path)
  layers = _layers(_parsed(path), path)
  if not layers:
    raise InputError(
      f'{path} must have a layer with weights, got none: it is no .caffemodel'
      ' or an empty one'
    )
  leaves: dict[str, np.ndarray] = {}
  for layer in layers:
    for key, leaf in _leaves(layer).items():
      name = f'{layer.name}/{key}'
      if name in leaves or not layer.name:
        raise InputError(
          f'{layer.where} must have a name of its own, got one that is empty or'
          ' taken: rename the layer'
        )
      leaves[name] = leaf
  return nested(leaves, str(path))
