"""Small files that ask for much take neither the memory nor the time."""

import time
import tracemalloc

import numpy as np
import pytest

from prunax import codec
from prunax.codec import container, leaf
from prunax.codec.bits import varint
from prunax.codec.header import Entry
from prunax.codec.leaf import Coding
from prunax.errors import InputError
from tests.codec.forged import write


def test_long_names_that_share_take_no_memory(tmp_path):
  long = varint(0) + varint(1000) + b'a' * 1000 + varint(10) + bytes(2)
  more = [
    varint(996) + varint(4) + b'%04d' % i + varint(10) + bytes(2)
    for i in range(9999)
  ]
  front = varint(10_000) + long + b''.join(more)
  (tmp_path / 'a.prx').write_bytes(
    container.front(varint(2 * len(front)) + front)
  )
  tracemalloc.start()
  found, _ = codec.load(tmp_path / 'a.prx')
  assert len(found) == 10_000 and tracemalloc.get_traced_memory()[1] < 1 << 26
  tracemalloc.stop()


def test_a_small_file_cannot_fill_the_memory(tmp_path):
  # A few bytes that stand for 256 MiB of ones, and as much of zeros.
  wide = Entry('x', (1 << 28,), np.dtype('int8'), Coding.LARGE, 0)
  zeros = Entry('y', (1 << 28,), np.dtype('int8'), Coding.ZERO, 0)
  path = write(tmp_path / 'a.prx', [(wide, bytes([0, 1, 0])), (zeros, b'')])
  tracemalloc.start()
  with pytest.raises(InputError, match='raise max_bytes'):
    codec.load(path, max_bytes=(1 << 29) - 1)
  assert tracemalloc.get_traced_memory()[1] < 1 << 20
  tracemalloc.stop()
  short = Entry('x', (1 << 24,), np.dtype('int8'), Coding.LARGE, 0)
  tracemalloc.start()
  write(path, [(short, bytes([0, 1, 0]))])
  found, _ = codec.load(path, max_bytes=1 << 24)
  # An array, its mask, its values, and a little.
  assert tracemalloc.get_traced_memory()[1] < 8 << 24
  tracemalloc.stop()
  assert (found['x'] == 1).all()


def test_axes_without_entries_cannot_fill_the_memory(tmp_path):
  # A few bytes that ask for a flag of each of 2^28 columns of no rows.
  entry = Entry('x', (0, 1 << 28), np.dtype('int8'), Coding.LARGE, 0)
  payload = bytes([3]) + bytes(10)
  path = write(tmp_path / 'a.prx', [(entry, payload)])
  assert path.stat().st_size < 50
  tracemalloc.start()
  with pytest.raises(codec.DamagedFile, match='no entries') as error:
    codec.load(path, max_bytes=1)
  assert tracemalloc.get_traced_memory()[1] < 1 << 20
  tracemalloc.stop()
  assert error.value.leaf == 'x'


def test_what_does_not_fit_the_memory_is_no_damage(tmp_path):
  # Beyond what any machine can address.
  entry = Entry('x', (1 << 55,), np.dtype('int8'), Coding.ZERO, 0)
  path = write(tmp_path / 'a.prx', [(entry, b'')])
  said = r"a\.prx must fit the memory, got .* for its leaf 'x': "
  with pytest.raises(InputError, match=said) as error:
    codec.load(path, max_bytes=1 << 60)
  assert not isinstance(error.value, codec.DamagedFile)


def test_a_small_file_cannot_take_minutes(tmp_path, monkeypatch):
  # Each leaf asks for as many learnt places as there may be.
  leaves = [
    (
      Entry(f'x{i}', (250, 200), np.dtype('float32'), Coding.SMALL, 0),
      b'\3\3\1\0',
    )
    for i in range(100)
  ]
  path = write(tmp_path / 'a.prx', leaves)
  monkeypatch.setattr(leaf, 'MOST_LEARNT', 120_000)
  begin = time.monotonic()
  with pytest.raises(codec.DamagedFile, match='by learning') as error:
    codec.load(path)
  assert error.value.leaf == 'x2' and time.monotonic() - begin < 60
  with codec.PrxFile(path) as file:
    assert file.read('x99').all() and file.read('x99').all()
