"""Hostile files with right checks: a typed error or a valid array."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prunax import codec
from prunax.codec import container, patterns, text
from prunax.codec.bits import varint
from prunax.codec.header import Entry
from prunax.codec.leaf import Coding
from prunax.errors import InputError
from tests.codec.forged import write


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
    for kind in (np.dtype('float32'), np.dtype('int8'), np.dtype('complex128')):
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
