"""What stands at the front of a file: its leaves, and what is known of them."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from prunax.codec import patterns, text
from prunax.codec.bits import Cursor, varint
from prunax.errors import InputError, reason

# The most axes that NumPy knows.
_MOST_AXES = 64

# Of a name: bytes, and words between slashes.
_MOST_BYTES, _MOST_WORDS = 1024, 64


class Entry(NamedTuple):
  """A leaf: what it is, and how many bytes it has in the file."""

  name: str
  shape: tuple[int, ...]
  dtype: np.dtype
  coding: int
  length: int

  @property
  def nbytes(self) -> int:
    """Of the array."""
    size = self.dtype.itemsize
    for n in self.shape:
      size *= n
    return size


def _shared(a: bytes, b: bytes) -> int:
  """How many bytes two names have in common at the front."""
  size = 0
  while size < min(len(a), len(b)) and a[size] == b[size]:
    size += 1
  return size


def _bytes(name: str) -> bytes:
  """A leaf's name as it stands in a file."""
  found = name.encode(errors='replace')
  words = name.count('/') + 1
  if found.decode() != name or len(found) > _MOST_BYTES or words > _MOST_WORDS:
    raise InputError(
      f'the name of a leaf must be Unicode of at most {_MOST_BYTES:,} bytes'
      f' and {_MOST_WORDS} words between slashes, got {name!r:.80}: rename it'
    )
  return found


def _json(meta: dict[str, Any]) -> bytes:
  """Meta as it stands in a file: nothing for an empty dict."""
  if not isinstance(meta, dict):
    raise InputError(
      f'meta must be a dict of what JSON can hold, got {meta!r:.80}: name its'
      ' entries'
    )
  try:
    found = json.dumps(
      meta, sort_keys=True, separators=(',', ':'), allow_nan=False
    )
    return found.encode() if meta else b''
  except (TypeError, ValueError, RecursionError) as e:
    raise InputError(
      f'meta must be what JSON can hold, got {reason(e)}: make it of dicts,'
      ' lists, strings and finite numbers'
    ) from e


def encode(entries: Sequence[Entry], meta: dict[str, Any]) -> bytes:
  """The header's bytes."""
  out = bytearray(varint(len(entries)))
  before = b''
  for entry in entries:
    name = _bytes(entry.name)
    shared = _shared(before, name)
    out += varint(shared) + varint(len(name) - shared) + name[shared:]
    out += varint(patterns.number(entry.dtype, entry.name))
    out += varint(len(entry.shape)) + b''.join(map(varint, entry.shape))
    out += varint(entry.coding)
    if entry.coding:
      out += varint(entry.length)
    before = name
  out += _json(meta)
  return text.encode(bytes(out))


def decode(data: bytes) -> tuple[list[Entry], dict[str, Any]]:
  """The entries and the meta that `encode` was given."""
  cursor = Cursor(text.decode(data))
  entries: list[Entry] = []
  before = b''
  for _ in range(cursor.varint()):
    shared = cursor.varint()
    if shared > len(before):
      raise ValueError('a name that shares more than there is')
    before = before[:shared] + cursor.take(cursor.varint())
    if len(before) > _MOST_BYTES or before.count(b'/') >= _MOST_WORDS:
      raise ValueError('a name that is too long')
    dtype = patterns.dtype(cursor.varint())
    axes = cursor.varint()
    if axes > _MOST_AXES:
      raise ValueError(f'{axes} axes')
    shape = tuple(cursor.varint() for _ in range(axes))
    coding = cursor.varint()
    length = cursor.varint() if coding else 0
    entries.append(Entry(before.decode(), shape, dtype, coding, length))
  meta = json.loads(cursor.take(cursor.left).decode()) if cursor.left else {}
  if not isinstance(meta, dict):
    raise ValueError('meta that is no group of entries')
  return entries, meta
