"""The `.prx` file: a header, then the bytes of each leaf, all checked."""

import binascii
import os
import pathlib
import zlib
from typing import Any, NamedTuple

import numpy as np

from prunax import files, names, tree
from prunax.codec import header, leaf
from prunax.codec.bits import Cursor, varint
from prunax.codec.header import Entry
from prunax.codec.leaf import Budget
from prunax.errors import InputError, reason

PathLike = str | os.PathLike[str]

MAGIC = b'PRX'
VERSION = 1

# A longer leaf has a check of four bytes, a shorter one of two.
_SHORT = 4096

_GIB = 1 << 30

_DAMAGE = (
  ArithmeticError,
  AttributeError,
  LookupError,
  MemoryError,
  RecursionError,
  TypeError,
  ValueError,
)


class DamagedFile(InputError):
  """A `.prx` file that is cut short, changed, or none at all.

  Attributes:
    path: the file.
    leaf: where the damage lies; None for its header.
  """

  def __init__(self, path: PathLike, leaf: str | None, what: str):
    place = 'its header' if leaf is None else f'its leaf {leaf!r}'
    super().__init__(
      f'{path} must be a whole .prx file, but {place} is damaged ({what}):'
      ' write it again, or take another copy'
    )
    self.path, self.leaf = path, leaf


class NewerFile(InputError):
  """A `.prx` file of a version that is not known yet."""


class Sizes(NamedTuple):
  """Where the bytes of a file go: by leaf, and what is not any leaf's."""

  leaves: dict[str, Budget]
  header: int

  @property
  def total(self) -> int:
    return self.header + sum(b.total for b in self.leaves.values())


def _check(payload: bytes) -> bytes:
  if not payload:
    return b''
  if len(payload) <= _SHORT:
    return binascii.crc_hqx(payload, 0xFFFF).to_bytes(2, 'little')
  return zlib.crc32(payload).to_bytes(4, 'little')


def _check_size(length: int) -> int:
  return len(_check(bytes(1))) * (length > 0) if length <= _SHORT else 4


def encode(
  weights: Any, meta: dict[str, Any] | None = None, where: PathLike = '.prx'
) -> tuple[bytes, Sizes]:
  """The bytes of a file, and where they go.

  Args:
    weights: a tree of arrays; its lists come back as dicts.
    meta: what JSON can hold.
    where: the file's name, for a sentence about what is wrong.
  """
  leaves = tree.named_leaves(weights)
  if not leaves or len(leaves) != len(tree.leaf_names(weights)):
    raise InputError(
      f'{where} must get leaves with names of their own, got'
      f' {", ".join(tree.leaf_names(weights)) or "none"}: rename them'
    )
  names.nested(leaves, str(where))
  entries, payloads, budgets = [], [], {}
  for name, x in leaves.items():
    array = np.asarray(x)
    coded = leaf.encode(array)
    entries.append(
      Entry(name, array.shape, array.dtype, coded.coding, len(coded.payload))
    )
    payloads.append(coded.payload)
    budgets[name] = coded.budget
  front = header.encode(entries, meta or {})
  front = MAGIC + bytes([VERSION]) + varint(len(front)) + front
  front += zlib.crc32(front).to_bytes(4, 'little')
  data = front + b''.join(p + _check(p) for p in payloads)
  inside = sum(b.total for b in budgets.values())
  return data, Sizes(budgets, len(data) - inside)


def save(
  path: PathLike, weights: Any, meta: dict[str, Any] | None = None
) -> Sizes:
  """Writes a tree of arrays to a `.prx`, whole or not at all, without loss.

  The same input gives the same bytes on any machine. Negative zeros become
  zeros; nothing else changes.

  Returns:
    Where the bytes go.
  """
  if pathlib.Path(path).suffix.lower() != '.prx':
    raise InputError(f'{path} must end in .prx: choose another name')
  data, sizes = encode(weights, meta, path)
  files.write_whole(path, lambda file: file.write(data))
  return sizes


class PrxFile:
  """A `.prx` file whose leaves are read one by one.

  Attributes:
    path: the file.
    meta: what it says of its weights.
    entries: its leaves by name.
    size: how many bytes it has.
  """

  def __init__(self, path: PathLike, max_bytes: int = 8 * _GIB):
    self.path = pathlib.Path(path)
    try:
      self._file = self.path.open('rb')
      self.size = os.fstat(self._file.fileno()).st_size
      self._open(max_bytes)
    except OSError as e:
      raise InputError(
        f'{path} must be a readable file, got {reason(e)}: mend the path'
      ) from e

  def __enter__(self) -> 'PrxFile':
    return self

  def __exit__(self, *_: object) -> None:
    self._file.close()

  def _open(self, max_bytes: int) -> None:
    """Reads the header, and finds where each leaf lies."""
    front = self._file.read(len(MAGIC) + 1 + 10)
    if front[: len(MAGIC)] != MAGIC:
      raise DamagedFile(self.path, None, 'it does not begin with PRX')
    if len(front) == len(MAGIC):
      raise DamagedFile(self.path, None, 'it is cut short')
    version = front[len(MAGIC)]
    if version > VERSION:
      raise NewerFile(
        f'{self.path} must be a .prx file of version {VERSION} at most, got'
        f' version {version}: update prunax, or take another copy'
      )
    try:
      cursor = Cursor(front[len(MAGIC) + 1 :])
      length = cursor.varint()
      start = len(front) - cursor.left
      if version < 1 or start + length + 4 > self.size:
        raise ValueError('it is cut short')
      self._file.seek(0)
      whole = self._file.read(start + length + 4)
      if zlib.crc32(whole[:-4]).to_bytes(4, 'little') != whole[-4:]:
        raise ValueError('its check does not fit')
      found, self.meta = header.decode(whole[start:-4])
      names.nested({e.name: e for e in found}, str(self.path))
    except _DAMAGE as e:
      raise DamagedFile(self.path, None, reason(e)) from e
    self.entries = {entry.name: entry for entry in found}
    self._starts: dict[str, int] = {}
    at = len(whole)
    for entry in found:
      self._starts[entry.name] = at
      at += entry.length + _check_size(entry.length)
      if at > self.size:
        raise DamagedFile(self.path, entry.name, 'the file is cut short')
    if at < self.size or len(self.entries) < len(found):
      last = found[-1].name if found else None
      raise DamagedFile(self.path, last, 'more follows than belongs to it')
    declared = sum(entry.nbytes for entry in found)
    if declared > max_bytes:
      raise InputError(
        f'{self.path} must hold at most {max_bytes:,} bytes of arrays, got'
        f' {declared:,}: raise max_bytes if you trust the file'
      )

  def read(self, name: str) -> np.ndarray:
    """One leaf; nothing else of the file is read."""
    if name not in self.entries:
      raise InputError(
        f'{self.path} must have the leaf that is asked for, got {name!r}: it'
        f' has {", ".join(self.entries)}'
      )
    entry = self.entries[name]
    self._file.seek(self._starts[name])
    stored = self._file.read(entry.length + _check_size(entry.length))
    payload, check = stored[: entry.length], stored[entry.length :]
    if len(payload) < entry.length or check != _check(payload):
      raise DamagedFile(self.path, name, 'its check does not fit')
    try:
      return leaf.decode(entry.coding, payload, entry.shape, entry.dtype)
    except _DAMAGE as e:
      raise DamagedFile(self.path, name, reason(e)) from e

  def tree(self) -> dict[str, Any]:
    """All leaves, as a nested dict."""
    return tree.nest({name: self.read(name) for name in self.entries})

  def stored(self) -> dict[str, int]:
    """How many bytes of the file belong to each leaf."""
    return {
      e.name: e.length + _check_size(e.length) for e in self.entries.values()
    }


def load(
  path: PathLike, max_bytes: int = 8 * _GIB
) -> tuple[dict[str, Any], dict[str, Any]]:
  """The tree of arrays and the meta of a `.prx`.

  Args:
    path: the file.
    max_bytes: how large the arrays may be in all, lest a small file fill the
      memory.

  Raises:
    DamagedFile: naming the leaf that is damaged, or the header.
    NewerFile: if a later prunax wrote it.
  """
  with PrxFile(path, max_bytes) as file:
    return file.tree(), file.meta
