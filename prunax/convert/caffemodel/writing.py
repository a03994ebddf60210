"""Weights into a `.caffemodel`, in Caffe's layouts."""

import pathlib
from typing import Any

import numpy as np

from prunax.convert.caffemodel.proto import MOST_AXES, NetParameter
from prunax.errors import InputError
from prunax.files import PathLike, write_whole
from prunax.names import named

# Protobuf writes no message of 2 GiB or more; names and shapes take the rest.
_MOST_BYTES = 2**31 - 2**20


def _single(x: np.ndarray, where: str) -> np.ndarray:
  """`x` in float32, if that changes no value."""
  if not x.dtype.name.startswith(('float', 'bfloat')):
    raise InputError(
      f'{where} must be floating, since a .caffemodel holds float32 alone, got'
      f' {x.dtype}: convert it, or leave it out'
    )
  with np.errstate(over='ignore', under='ignore'):
    single = x.astype(np.float32)
    same = (single.astype(x.dtype) == x) | (x != x)
  if not same.all():
    first = x[~same].flat[0]
    raise InputError(
      f'{where} must fit into float32, which is all that a .caffemodel holds,'
      f' got {x.dtype} with {first!s}: round it first'
    )
  return single


def _blob(kernel: np.ndarray, name: str, where: str) -> np.ndarray:
  """A leaf as Caffe has it: a kernel's outputs first, then its inputs."""
  if kernel.size == 0 or kernel.ndim > MOST_AXES:
    raise InputError(
      f'{where} must have entries and at most {MOST_AXES} axes, got the shape'
      f' {kernel.shape}: leave it out'
    )
  if name != 'kernel':
    return kernel
  if kernel.ndim < 2:
    raise InputError(
      f'{where} must be a kernel [in, out] or [..., in, out], got the shape'
      f' {kernel.shape}: rename it or mend its shape'
    )
  return np.moveaxis(kernel, (-1, -2), (0, 1))


def _order(
  layer: str, leaves: dict[str, np.ndarray], path: PathLike
) -> list[str]:
  """The names of a layer's leaves in the order of Caffe's blobs."""
  kept = [f'blob{i}' for i in range(len(leaves))]
  for names in (['kernel'], ['kernel', 'bias'], kept):
    if leaves.keys() == set(names):
      return names
  raise InputError(
    f"{path}, layer {layer!r} must hold 'kernel' and maybe 'bias', or 'blob0',"
    f" 'blob1', and so on, got {', '.join(sorted(leaves))}: rename them"
  )


def _check_bias(
  layer: str, leaves: dict[str, np.ndarray], path: PathLike
) -> None:
  outputs, got = leaves['kernel'].shape[-1:], leaves['bias'].shape
  if got != outputs:
    raise InputError(
      f'{path}, layer {layer!r} must have a bias of the shape {outputs}, one'
      f' entry for each output of its kernel, got {got}: mend its shape'
    )


def _layers(
  arrays: dict[str, np.ndarray], path: PathLike
) -> dict[str, dict[str, np.ndarray]]:
  layers: dict[str, dict[str, np.ndarray]] = {}
  for name, x in arrays.items():
    layer, _, leaf = name.rpartition('/')
    if not layer:
      raise InputError(
        f'{path}: every leaf must lie in a layer, which Caffe finds by its'
        f" name, got {name!r} on its own: save {{'layer': {{{name!r}: ...}}}}"
      )
    layers.setdefault(layer, {})[leaf] = x
  return layers


def _packed(x: np.ndarray) -> bytes:
  """The field `data` (5) of a blob as it lies in a file."""
  # Value by value, protobuf takes eight times as long.
  values = x.astype('<f4').tobytes()
  length, rest = b'', len(values)
  while rest > 127:
    length, rest = length + bytes([rest & 127 | 128]), rest >> 7
  return b'\x2a' + length + bytes([rest]) + values


def _add(
  net: Any, layer: str, leaves: dict[str, np.ndarray], path: PathLike
) -> None:
  message = net.layer.add(name=layer)
  if 'kernel' in leaves:
    flat = leaves['kernel'].ndim == 2
    message.type = 'InnerProduct' if flat else 'Convolution'
  names = _order(layer, leaves, path)
  if 'bias' in names:
    _check_bias(layer, leaves, path)
  for name in names:
    where = f'{path}: the leaf {f"{layer}/{name}"!r}'
    x = _blob(_single(leaves[name], where), name, where)
    blob = message.blobs.add()
    blob.shape.dim.extend(x.shape)
    blob.MergeFromString(_packed(x))


def write(path: PathLike, weights: Any, name: str = '') -> None:
  """Writes a tree of weights to a `.caffemodel`, whole or not at all.

  A layer's {'kernel': ..., 'bias': ...} becomes the blobs of a Convolution,
  [out, in, height, width], or, where the kernel has two axes, of an
  InnerProduct, [out, in], as `read` found them: an inner product after a
  convolution takes its inputs in the order channels, height, width. Layers of
  'blob0', 'blob1', ... are written as they are and without a type; Caffe finds
  layers by name alone. `read` gives the same weights again, with every zero
  +0.0. Masks are not written: a pruned weight is 0.0.

  Args:
    path: the file, which ends in `.caffemodel`.
    weights: a nested dict of floating arrays whose values fit into float32.
    name: the net's.
  """
  path = pathlib.Path(path)
  if path.suffix.lower() != '.caffemodel':
    raise InputError(
      f'{path} must end in .caffemodel to be loaded again, got the suffix'
      f' {path.suffix!r}: choose another name'
    )
  net = NetParameter()
  if name:
    net.name = name
  layers = _layers(named(weights, path), path)
  size = 4 * sum(x.size for leaves in layers.values() for x in leaves.values())
  if size > _MOST_BYTES:
    raise InputError(
      f'{path} must stay below 2 GiB, the most that protobuf writes, got'
      f' {size:,} bytes of weights: save an .npz or a .safetensors'
    )
  for layer, leaves in layers.items():
    _add(net, layer, leaves, path)
  data = net.SerializeToString()
  write_whole(path, lambda file: file.write(data))
