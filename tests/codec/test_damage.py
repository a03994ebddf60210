"""Damaged and hostile files: a typed error or a valid array, and soon."""

import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prunax import codec
from prunax.codec import container, header, leaf, patterns, text
from prunax.codec.bits import varint
from prunax.codec.header import Entry
from prunax.codec.leaf import Coding
from prunax.errors import InputError

FLOAT = np.dtype('float32')


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


@given(st.binary(max_size=300), st.booleans())
@settings(max_examples=300, deadline=None)
def test_garbage_in_the_header(tmp_path_factory, garbage, checked):
  data = container.front(garbage) if checked else b'PRX\1' + garbage
  path = tmp_path_factory.mktemp('codec') / 'a.prx'
  path.write_bytes(data)
  with pytest.raises(InputError):
    codec.load(path, max_bytes=1 << 20)


@given(st.binary(max_size=120), st.booleans())
@settings(max_examples=200, deadline=None)
def test_garbage_in_the_text(tmp_path_factory, garbage, learnt):
  coded = text.encode(garbage) if learnt else varint(2 * len(garbage)) + garbage
  path = tmp_path_factory.mktemp('codec') / 'a.prx'
  path.write_bytes(container.front(coded))
  if garbage[:1] == b'\0' and len(garbage) == 1:
    assert codec.load(path) == ({}, {})
    return
  with pytest.raises(InputError):
    codec.load(path, max_bytes=1 << 20)


def write(path, leaves, meta=None):
  """A file with right checks of leaves as (entry, payload)."""
  entries = [entry._replace(length=len(payload)) for entry, payload in leaves]
  data = container.front(header.encode(entries, meta or {}))
  for _, payload in leaves:
    data += payload + container.check(payload)
  path.write_bytes(data)
  return path


@given(
  st.integers(0, 5),
  st.integers(0, 29),
  st.lists(st.sampled_from([0, 1, 2, 7, 300]), max_size=3),
  st.binary(max_size=60),
)
@settings(max_examples=400, deadline=None)
def test_garbage_in_a_leaf(tmp_path_factory, coding, kind, shape, payload):
  path = tmp_path_factory.mktemp('codec') / 'a.prx'
  to, shape = patterns.dtype(kind), tuple(shape)
  write(path, [(Entry('x', shape, to, coding, 0), payload * bool(coding))])
  try:
    found = codec.load(path, max_bytes=1 << 24)[0]['x']
  except InputError:
    return
  assert found.shape == shape and found.dtype == to


def raw_header(name, *, shape=(2,), kind=10, coding=0, length=0, count=1):
  """A header's bytes, whatever the name."""
  front = varint(0) + varint(len(name)) + name + varint(kind)
  front += varint(len(shape)) + b''.join(map(varint, shape)) + varint(coding)
  return varint(count) + front + (varint(length) if coding else b'')


@pytest.mark.parametrize(
  'front',
  [
    raw_header(b''),
    raw_header(b'/a'),
    raw_header(b'a//b'),
    raw_header(b'a/'),
    raw_header(b'\xff\xfe'),
    raw_header(b'a' * 1025),
    raw_header(b'a/' * 64 + b'a'),
    raw_header(b'a', kind=30),
    raw_header(b'a', kind=1 << 62),
    raw_header(b'a', shape=[1] * 65),
    raw_header(b'a', shape=[1 << 40, 1 << 40]),
    raw_header(b'a', shape=[1 << 62, 1 << 62, 0]),
    raw_header(b'a', coding=4),
    raw_header(b'a', coding=1, length=1 << 62),
    raw_header(b'a', count=2),
    raw_header(b'a', count=1 << 60),
    # A name twice, a name and one below it, a name that shares too much.
    raw_header(b'a', count=2) + varint(1) + varint(0) + raw_header(b'')[3:],
    raw_header(b'a', count=2)
    + varint(1)
    + varint(2)
    + b'/b'
    + raw_header(b'')[3:],
    raw_header(b'a', count=2) + varint(2) + varint(0) + raw_header(b'')[3:],
    raw_header(b'a') + b'{',
    raw_header(b'a') + b'[1]',
    raw_header(b'a') + b'\xff\xfe',
    raw_header(b'a') + b'[' * 5000,
    raw_header(b'a') + b'9' * 5000,
  ],
)
def test_hostile_headers(tmp_path, front):
  path = tmp_path / 'a.prx'
  for coded in (varint(2 * len(front)) + front, text.encode(front)):
    path.write_bytes(container.front(coded))
    with pytest.raises(InputError, match=r'a\.prx'):
      codec.load(path)


def test_names_that_lead_elsewhere_are_names(tmp_path):
  # Nothing is ever written where a name says.
  weights = {'..': {'x': np.ones(2)}, '.': np.ones(1), 'C:\\x\n\0': np.ones(3)}
  codec.save(tmp_path / 'a.prx', weights)
  found, _ = codec.load(tmp_path / 'a.prx')
  assert found['..']['x'].tolist() == [1, 1] and len(found['C:\\x\n\0']) == 3


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


# Ways 0 to 2, with positions or without, and what follows.
SMALL = [
  b'',
  b'\x80',
  varint(9) + b'ab',
  varint(3) + bytes([0, 1, 0]) + b'\xff' * 9,
  varint(3) + bytes([0, 1, 65]),
  varint(4) + bytes([0, 1, 3, 7]),
  varint(12) + b'\0' + b'\xff' * 9 + b'\1\0',
  varint(4) + bytes([1, 24, 1, 1]),
  varint(5) + bytes([1, 1, 255, 1, 9]) + b'\xff' * 99,
  varint(4) + bytes([1, 0, 1, 200]),
  varint(2) + bytes([2, 0]),
  varint(3) + b'\2' + varint(4097),
  varint(5) + bytes([2, 3, 0, 0, 1]) + b'\xff' * 20,
  varint(12) + varint(3 * (1 << 60)) + bytes([1, 0, 0]),
  varint(4) + bytes([6, 1, 0, 0]) + b'\xff' * 40,
  varint(3) + bytes([3, 1, 0]) + b'\xff' * 40,
  varint(3) + bytes([3, 1, 0]),
]
LARGE = [
  b'',
  bytes([3]),
  bytes([3, 0, 9, 0, 0, 0, 1]),
  bytes([3, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
  bytes([6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
  bytes([3, 0, 255, 255, 255, 255]),
  bytes([3, 1, 4, 0, 0, 0, 255, 255, 255, 255, 1, 0, 0, 0, 0]),
  bytes([3]) + bytes(10) + b'\1' + varint(65_536) + b'\0\0\0\1\0',
  bytes([0, 1, 64]),
  bytes([1, 0, 0, 0]) + b'\1' + varint(65_536) + b'\0\0\0\1\0',
  bytes([2, 1, 0, 0]) + b'\3' + varint(65_536) + b'\0\0\0\1\0',
]


@pytest.mark.parametrize(
  ('coding', 'payload'),
  [(Coding.SMALL, p) for p in SMALL] + [(Coding.LARGE, p) for p in LARGE],
  ids=lambda value: value.hex() if isinstance(value, bytes) else str(value),
)
def test_hostile_leaves(tmp_path, coding, payload):
  empty = (0, 1 << 28)
  for shape in ((), (7,), (0, 4), empty, (30, 40), (100_000, 1), (1, 60_000)):
    for kind in (FLOAT, np.dtype('int8'), np.dtype('complex128')):
      entry = Entry('x', shape, kind, coding, 0)
      path = write(tmp_path / 'a.prx', [(entry, payload)])
      try:
        found = codec.load(path)[0]['x']
      except codec.DamagedFile as e:
        assert e.leaf == 'x'
      else:
        assert found.shape == shape and found.dtype == kind


def test_a_truth_is_0_or_1(tmp_path):
  entry = Entry('x', (2,), np.dtype(bool), Coding.DENSE, 0)
  with pytest.raises(codec.DamagedFile, match='neither 0 nor 1'):
    codec.load(write(tmp_path / 'a.prx', [(entry, b'\1\2')]))
  found, _ = codec.load(write(tmp_path / 'a.prx', [(entry, b'\1\0')]))
  assert found['x'].tolist() == [True, False]


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
    (Entry(f'x{i}', (250, 200), FLOAT, Coding.SMALL, 0), b'\3\3\1\0')
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


def test_a_later_version_is_refused_as_such(tmp_path, whole):
  (tmp_path / 'a.prx').write_bytes(b'PRX\2' + whole[0][4:])
  with pytest.raises(codec.NewerFile, match=r'a\.prx .* version 2: update'):
    codec.load(tmp_path / 'a.prx')
  assert issubclass(codec.NewerFile, InputError)
  assert issubclass(codec.DamagedFile, InputError)
