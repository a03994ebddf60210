"""The idx format, in which MNIST is published: one array a file.

A file is two zero bytes, the type, the number of axes, each axis as a
big-endian uint32, and then the entries in C order, big-endian
(LeCun, Cortes and Burges, The MNIST database, 1998).
"""

import gzip
import math
import pathlib
import struct
import zlib
from typing import Any

import numpy as np

from prunax.errors import InputError
from prunax.files import PathLike

_TYPES: dict[int, np.dtype[Any]] = {
  0x08: np.dtype('u1'),
  0x09: np.dtype('i1'),
  0x0B: np.dtype('>i2'),
  0x0C: np.dtype('>i4'),
  0x0D: np.dtype('>f4'),
  0x0E: np.dtype('>f8'),
}
_GZIP = b'\x1f\x8b'


def _content(path: pathlib.Path) -> bytes:
  try:
    data = path.read_bytes()
  except OSError as e:
    raise InputError(
      f'{path} must be a readable idx file, got {e.strerror or e}: mend the'
      ' path or fetch the file'
    ) from e
  # A browser may unpack a file and leave its name, so only the bytes tell.
  if not data.startswith(_GZIP):
    return data
  try:
    return gzip.decompress(data)
  except (EOFError, OSError, zlib.error) as e:
    raise InputError(
      f'{path} must be a whole gzip file, got {len(data)} bytes that do not'
      ' unpack: fetch the file again'
    ) from e


def read(path: PathLike) -> np.ndarray:
  """The array that an idx file holds, gzipped or not.

  Args:
    path: the file; gzip is told by its content, not by its name.

  Returns:
    An array of the file's shape and type, in this machine's byte order.
  """
  path = pathlib.Path(path)
  data = _content(path)
  if len(data) < 4 or data[:2] != b'\0\0' or data[2] not in _TYPES:
    raise InputError(
      f'{path} must begin with the magic number of an idx file, got'
      f' {"0x" + data[:4].hex() if data else "no bytes"}: fetch the file again'
    )
  dtype, ndim = _TYPES[data[2]], data[3]
  start = 4 + 4 * ndim
  if len(data) < start:
    raise InputError(
      f'{path} must hold the {ndim} axes that it announces, got {len(data)}'
      ' bytes in all: it is cut short, fetch it again'
    )
  shape = struct.unpack_from(f'>{ndim}I', data, 4)
  size = math.prod(shape) * dtype.itemsize
  if len(data) - start != size:
    raise InputError(
      f'{path} must hold {size} bytes for the shape {shape}, got'
      f' {len(data) - start}: it is damaged, fetch it again'
    )
  array = np.frombuffer(data, dtype, offset=start).reshape(shape)
  return array.astype(dtype.newbyteorder('='))
