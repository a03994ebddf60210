"""Damaged files: a typed error that names the file and the leaf."""

import numpy as np
import pytest

from prunax import codec
from prunax.codec.leaf import Coding
from prunax.errors import InputError


def small_tree():
  """Little that is coded in every way."""
  dots = np.zeros((9, 8), np.float32)
  dots[[1, 3, 7, 3], [2, 5, 5, 2]] = [1, -2, 0.3, 1]
  holes = np.ones((300, 200), np.int8)
  holes[3, 4] = 0
  return {
    'a': np.frombuffer(b'noise', np.uint8),
    'b': dots,
    'c': np.zeros(9),
    'd': np.arange(1000, 1030, dtype=np.int16),
    'e': holes,
  }


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
  """The bytes of a small file, and where each leaf ends in it."""
  path = tmp_path_factory.mktemp('codec') / 'a.prx'
  codec.save(path, small_tree())
  data = path.read_bytes()
  with codec.PrxFile(path) as file:
    codings = {entry.coding for entry in file.entries.values()}
    stored = {name: size for name, size in file.stored().items() if size}
  assert codings == set(Coding) and len(data) < 250
  ends, at = {}, len(data) - sum(stored.values())
  for name, size in stored.items():
    ends[name] = at = at + size
  assert at == len(data)
  return data, ends


def place(at, ends):
  """The leaf in which a byte lies; None for the header."""
  # The first leaf has five bytes and a check of two.
  if at < ends['a'] - 7:
    return None
  return next(name for name, end in ends.items() if at < end)


def refused(path, data):
  path.write_bytes(data)
  with pytest.raises((codec.DamagedFile, codec.NewerFile)) as error:
    codec.load(path)
  assert str(path) in str(error.value)
  return error.value


def test_every_truncation_is_refused(tmp_path, whole):
  data, ends = whole
  for size in range(len(data)):
    error = refused(tmp_path / 'a.prx', data[:size])
    assert isinstance(error, codec.DamagedFile)
    assert error.leaf == place(size, ends), size
    named = 'its header' if error.leaf is None else f"its leaf '{error.leaf}'"
    assert named in str(error)


def test_every_flipped_bit_is_refused(tmp_path, whole):
  data, ends = whole
  for bit in range(8 * len(data)):
    flipped = bytearray(data)
    flipped[bit // 8] ^= 1 << bit % 8
    error = refused(tmp_path / 'a.prx', bytes(flipped))
    if isinstance(error, codec.NewerFile):
      assert bit // 8 == 3
    else:
      assert error.leaf == place(bit // 8, ends), bit


def test_more_than_the_file_is_refused(tmp_path, whole):
  assert refused(tmp_path / 'a.prx', whole[0] + b'\0').leaf == 'e'


def test_damage_elsewhere_does_not_matter(tmp_path, whole):
  data, ends = whole
  wanted, path = small_tree(), tmp_path / 'a.prx'
  for damaged, end in ends.items():
    path.write_bytes(data[: end - 3] + b'###' + data[end:])
    with codec.PrxFile(path) as file:
      for name, x in wanted.items():
        if name != damaged:
          assert file.read(name).tobytes() == x.tobytes()
      with pytest.raises(codec.DamagedFile) as error:
        file.read(damaged)
    assert error.value.leaf == damaged and error.value.path == path


def test_a_later_version_is_refused_as_such(tmp_path, whole):
  (tmp_path / 'a.prx').write_bytes(b'PRX\2' + whole[0][4:])
  with pytest.raises(codec.NewerFile, match=r'a\.prx .* version 2: update'):
    codec.load(tmp_path / 'a.prx')
  assert issubclass(codec.NewerFile, InputError)
  assert issubclass(codec.DamagedFile, InputError)
