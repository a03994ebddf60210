"""The `.prx` file, read back leaf by leaf."""

import contextlib
import os
import pathlib
import zlib
from typing import Any

import numpy as np

from prunax import names, tree
from prunax.codec import header, leaf
from prunax.codec.bits import Cursor
from prunax.codec.container import MAGIC, VERSION, check, check_size
from prunax.codec.header import Entry
from prunax.errors import InputError, reason
from prunax.files import PathLike

# Of the arrays of a file in all, lest a small file fill the memory.
MOST_BYTES = 8 << 30

# Bytes of the header's check, and the most that the header's length has.
_CHECK, _MOST_VARINT = 4, 10

_DAMAGE = (
  ArithmeticError,
  AttributeError,
  LookupError,
  RecursionError,
  TypeError,
  ValueError,
)


def _place(leaf: str | None) -> str:
  return 'its header' if leaf is None else f'its leaf {leaf!r}'


class DamagedFile(InputError):
  """A `.prx` file that is cut short, changed, or none at all.

  Attributes:
    path: the file.
    leaf: where the damage lies; None for its header.
  """

  def __init__(self, path: PathLike, leaf: str | None, what: str):
    super().__init__(
      f'{path} must be a whole .prx file, but {_place(leaf)} is damaged'
      f' ({what}): write it again, or take another copy'
    )
    self.path, self.leaf = path, leaf


class NewerFile(InputError):
  """A `.prx` file of a version that is not known yet."""


def _length(front: bytes) -> tuple[int, int]:
  """How long the header is, and where it begins."""
  after = Cursor(front[len(MAGIC) + 1 :])
  length = after.varint()
  return length, len(front) - after.left


class PrxFile:
  """A `.prx` file whose leaves are read one by one.

  >>> import tempfile
  >>> from prunax import codec
  >>> with tempfile.TemporaryDirectory() as folder:
  ...   sizes = codec.save(f'{folder}/a.prx', {'a': np.arange(3), 'b': 1.5})
  ...   with PrxFile(f'{folder}/a.prx') as file:
  ...     list(file.entries), file.read('a').tolist()
  (['a', 'b'], [0, 1, 2])

  Args:
    path: the file.
    max_bytes: how large the arrays may be in all.

  Attributes:
    path: the file.
    meta: what it says of its weights.
    entries: its leaves by name.
    size: how many bytes it has.
  """

  def __init__(self, path: PathLike, max_bytes: int = MOST_BYTES):
    self.path = pathlib.Path(path)
    with contextlib.ExitStack() as opened:
      try:
        self._file = opened.enter_context(self.path.open('rb'))
        self.size = os.fstat(self._file.fileno()).st_size
        whole = self._read_front()
      except OSError as e:
        raise self._unreadable(e) from e
      self._find_leaves(len(whole), self._understand(whole))
      self._refuse_beyond(max_bytes)
      opened.pop_all()
    self._learnt, self._counted = 0, set[str]()

  def __enter__(self) -> 'PrxFile':
    return self

  def __exit__(self, *_: object) -> None:
    self._file.close()

  def _unreadable(self, e: OSError) -> InputError:
    return InputError(
      f'{self.path} must be a readable file, got {reason(e)}: mend the path'
    )

  def _too_large(self, leaf: str | None, e: MemoryError) -> InputError:
    return InputError(
      f'{self.path} must fit the memory, got {reason(e)} for {_place(leaf)}:'
      ' end other programs, or read it on a larger machine'
    )

  def _read_front(self) -> bytes:
    """All up to the check of the header, which fits."""
    front = self._file.read(len(MAGIC) + 1 + _MOST_VARINT)
    if front[: len(MAGIC)] != MAGIC:
      raise DamagedFile(self.path, None, 'it does not begin with PRX')
    version = front[len(MAGIC)] if len(front) > len(MAGIC) else 0
    if version > VERSION:
      raise NewerFile(
        f'{self.path} must be a .prx file of version {VERSION} at most, got'
        f' version {version}: update prunax, or take another copy'
      )
    try:
      length, start = _length(front)
    except ValueError as e:
      raise DamagedFile(self.path, None, reason(e)) from e
    end = start + length + _CHECK
    if version < 1 or end > self.size:
      what = 'it is cut short' if version else 'version 0'
      raise DamagedFile(self.path, None, what)
    self._file.seek(0)
    whole = self._file.read(end)
    if zlib.crc32(whole[:-_CHECK]) != int.from_bytes(whole[-_CHECK:], 'little'):
      raise DamagedFile(self.path, None, 'its check does not fit')
    return whole

  def _understand(self, whole: bytes) -> list[Entry]:
    """The leaves that the header lists."""
    try:
      _, start = _length(whole)
      found, self.meta = header.decode(whole[start:-_CHECK])
      self.entries = {entry.name: entry for entry in found}
      names.nested(self.entries, str(self.path))
      if len(self.entries) < len(found):
        raise ValueError('two leaves have one name')
    except MemoryError as e:
      raise self._too_large(None, e) from e
    except _DAMAGE as e:
      raise DamagedFile(self.path, None, reason(e)) from e
    return found

  def _find_leaves(self, at: int, found: list[Entry]) -> None:
    """Finds where each leaf lies; nothing follows the last one."""
    self._starts: dict[str, int] = {}
    for entry in found:
      self._starts[entry.name] = at
      at += entry.length + check_size(entry.length)
      if at > self.size:
        raise DamagedFile(self.path, entry.name, 'the file is cut short')
    if at < self.size:
      last = found[-1].name if found else None
      raise DamagedFile(self.path, last, 'more follows than belongs to it')

  def _refuse_beyond(self, max_bytes: int) -> None:
    declared = sum(entry.nbytes for entry in self.entries.values())
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
    try:
      self._file.seek(self._starts[name])
      stored = self._file.read(entry.length + check_size(entry.length))
    except OSError as e:
      raise self._unreadable(e) from e
    payload, found = stored[: entry.length], stored[entry.length :]
    if len(payload) < entry.length or found != check(payload):
      raise DamagedFile(self.path, name, 'its check does not fit')
    try:
      array, learnt = leaf.decode(
        entry.coding, payload, entry.shape, entry.dtype
      )
      self._count(name, learnt)
      return array
    except MemoryError as e:
      raise self._too_large(name, e) from e
    except _DAMAGE as e:
      raise DamagedFile(self.path, name, reason(e)) from e

  def tree(self) -> dict[str, Any]:
    """All leaves, as a nested dict."""
    return tree.nest({name: self.read(name) for name in self.entries})

  def _count(self, name: str, learnt: int) -> None:
    """Adds up the bits that were coded by learning, once a leaf."""
    if name not in self._counted:
      self._counted.add(name)
      self._learnt += learnt
    if self._learnt > leaf.MOST_LEARNT:
      raise ValueError(f'{self._learnt:,} bits by learning so far')

  def stored(self) -> dict[str, int]:
    """How many bytes of the file belong to each leaf."""
    return {
      e.name: e.length + check_size(e.length) for e in self.entries.values()
    }


def load(
  path: PathLike, max_bytes: int = MOST_BYTES
) -> tuple[dict[str, Any], dict[str, Any]]:
  """The tree of arrays and the meta of a `.prx`.

  >>> import tempfile
  >>> from prunax import codec
  >>> with tempfile.TemporaryDirectory() as folder:
  ...   sizes = codec.save(f'{folder}/a.prx', {'ip': {'bias': np.ones(2)}})
  ...   weights, meta = load(f'{folder}/a.prx')
  >>> weights['ip']['bias'].tolist(), meta
  ([1.0, 1.0], {})

  Args:
    path: the file.
    max_bytes: how large the arrays may be in all, lest a small file fill the
      memory; reading them takes a few times as much for a while.

  Raises:
    DamagedFile: naming the leaf that is damaged, or the header.
    NewerFile: if a later prunax wrote it.
  """
  with PrxFile(path, max_bytes) as file:
    return file.tree(), file.meta
