import gzip
import struct

import numpy as np
import pytest

from prunax.data import idx
from prunax.errors import InputError


def _bytes(array, code):
  head = bytes([0, 0, code, array.ndim])
  axes = struct.pack(f'>{array.ndim}I', *array.shape)
  return head + axes + array.astype(array.dtype.newbyteorder('>')).tobytes()


# Two images of 2x3, byte by byte as the format says.
_IMAGES = (
  b'\x00\x00\x08\x03\x00\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00\x03'
  b'\x00\x01\x02\x03\x04\x05\xfa\xfb\xfc\xfd\xfe\xff'
)


def _file(tmp_path, data, name='images-idx3-ubyte'):
  path = tmp_path / name
  path.write_bytes(data)
  return path


def test_reads_the_bytes_of_the_format(tmp_path):
  array = idx.read(_file(tmp_path, _IMAGES))
  assert array.dtype == np.uint8
  assert array.tolist() == [
    [[0, 1, 2], [3, 4, 5]],
    [[250, 251, 252], [253, 254, 255]],
  ]


@pytest.mark.parametrize('name', ['a.gz', 'no-suffix'])
def test_gzip_is_told_by_its_content(tmp_path, name):
  array = idx.read(_file(tmp_path, gzip.compress(_IMAGES), name))
  np.testing.assert_array_equal(array, np.r_[0:6, 250:256].reshape(2, 2, 3))


def test_a_plain_file_may_still_be_called_gz(tmp_path):
  assert idx.read(_file(tmp_path, _IMAGES, 'a.gz')).shape == (2, 2, 3)


@pytest.mark.parametrize(
  'code, dtype',
  [(8, 'u1'), (9, 'i1'), (11, 'i2'), (12, 'i4'), (13, 'f4'), (14, 'f8')],
)
def test_all_types(tmp_path, code, dtype):
  array = np.array([[1, 2, 3], [100, 101, 127]], dtype)
  got = idx.read(_file(tmp_path, _bytes(array, code)))
  assert got.dtype == np.dtype(dtype) and got.dtype.isnative
  np.testing.assert_array_equal(got, array)


@pytest.mark.parametrize('pack', [bytes, gzip.compress])
def test_every_cut_is_an_error_that_names_the_file(tmp_path, pack):
  whole = pack(_IMAGES)
  for cut in range(len(whole)):
    path = _file(tmp_path, whole[:cut], 'short')
    with pytest.raises(InputError, match='short must') as error:
      idx.read(path)
    assert '\n' not in str(error.value)


def test_a_longer_file_is_an_error(tmp_path):
  with pytest.raises(InputError, match=r'must hold 12 bytes .* got 13'):
    idx.read(_file(tmp_path, _IMAGES + b'\0'))


def test_damaged_gzip(tmp_path):
  data = bytearray(gzip.compress(bytes(range(256)) * 40))
  data[len(data) // 2] ^= 0xFF
  with pytest.raises(InputError, match='whole gzip file'):
    idx.read(_file(tmp_path, bytes(data)))


@pytest.mark.parametrize('data', [b'hello world', b'\0\0\x07\x01\0\0\0\0'])
def test_another_magic_number(tmp_path, data):
  with pytest.raises(InputError, match=f'magic number.*0x{data[:4].hex()}'):
    idx.read(_file(tmp_path, data))


def test_no_file_and_a_folder(tmp_path):
  with pytest.raises(InputError, match=r'absent must .* No such file'):
    idx.read(tmp_path / 'absent')
  with pytest.raises(InputError, match=r'must .* directory'):
    idx.read(tmp_path)
