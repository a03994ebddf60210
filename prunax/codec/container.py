"""The `.prx` file: a header, then the bytes of each leaf, all checked."""

import binascii
import pathlib
import zlib
from typing import Any, NamedTuple

import numpy as np

from prunax import files, names, tree
from prunax.codec import header, leaf, patterns
from prunax.codec.bits import varint
from prunax.codec.header import Entry
from prunax.codec.leaf import Budget
from prunax.errors import InputError
from prunax.files import PathLike

MAGIC = b'PRX'
VERSION = 1

# A longer leaf has a check of four bytes, a shorter one of two.
_SHORT = 4096


class Sizes(NamedTuple):
  """Where the bytes of a file go: by leaf, and what is not any leaf's."""

  leaves: dict[str, Budget]
  header: int
  codings: dict[str, str]

  @property
  def total(self) -> int:
    return self.header + sum(b.total for b in self.leaves.values())


def check_size(length: int) -> int:
  """How many bytes the check of so long a leaf has."""
  if not length:
    return 0
  return 2 if length <= _SHORT else 4


def check(payload: bytes) -> bytes:
  """What follows a leaf's bytes, and changes with any of their bits."""
  size = check_size(len(payload))
  if size == 4:
    return zlib.crc32(payload).to_bytes(4, 'little')
  return binascii.crc_hqx(payload, 0xFFFF).to_bytes(2, 'little')[:size]


def front(header: bytes) -> bytes:
  """All that stands before the leaves, around the header's bytes."""
  found = MAGIC + bytes([VERSION]) + varint(len(header)) + header
  return found + zlib.crc32(found).to_bytes(4, 'little')


def _array(name: str, x: Any) -> np.ndarray:
  """A leaf as an array of a type that a file can hold."""
  try:
    array = np.asarray(x)
  except (TypeError, ValueError) as e:
    kind = getattr(x, 'dtype', type(x).__name__)
    raise InputError(
      f'the leaf {name!r} must be an array of numbers, got {kind}: leave it'
      ' out, or save the jax.random.key_data of a key'
    ) from e
  patterns.number(array.dtype, name)
  return array


def encode(
  weights: Any, meta: dict[str, Any] | None = None, where: PathLike = '.prx'
) -> tuple[bytes, Sizes]:
  """The bytes of a file, and where they go.

  >>> data, sizes = encode({'ip': {'kernel': np.eye(8, dtype=np.float32)}})
  >>> len(data) == sizes.total, sizes.leaves['ip/kernel'].codebook
  (True, 0)

  Args:
    weights: a tree of arrays; its lists come back as dicts.
    meta: a dict of what JSON can hold.
    where: the file's name, for a sentence about what is wrong.
  """
  leaves = tree.named_leaves(weights)
  if not leaves or len(leaves) != len(tree.leaf_names(weights)):
    raise InputError(
      f'{where} must get leaves with names of their own, got'
      f' {", ".join(tree.leaf_names(weights)) or "none"}: rename them'
    )
  names.nested(leaves, str(where))
  entries, payloads, budgets, codings = [], [], {}, {}
  left = leaf.MOST_LEARNT
  for name, x in leaves.items():
    array = _array(name, x)
    coded = leaf.encode(array, left)
    left -= coded.asked
    entries.append(
      Entry(name, array.shape, array.dtype, coded.coding, len(coded.payload))
    )
    payloads.append(coded.payload)
    budgets[name] = coded.budget
    codings[name] = coded.said
  data = front(header.encode(entries, {} if meta is None else meta))
  data += b''.join(p + check(p) for p in payloads)
  inside = sum(b.total for b in budgets.values())
  return data, Sizes(budgets, len(data) - inside, codings)


def save(
  path: PathLike, weights: Any, meta: dict[str, Any] | None = None
) -> Sizes:
  """Writes a tree of arrays to a `.prx`, whole or not at all, without loss.

  The same input gives the same bytes on any machine. Negative zeros become
  zeros; nothing else changes.

  >>> import tempfile
  >>> with tempfile.TemporaryDirectory() as folder:
  ...   sizes = save(f'{folder}/a.prx', {'kernel': np.zeros((500, 800))})
  >>> sizes.leaves['kernel'].total
  0

  Args:
    path: the file, which ends in `.prx`.
    weights: a tree of arrays; its lists come back as dicts.
    meta: a dict of what JSON can hold, such as how the weights came about.

  Returns:
    Where the bytes go.
  """
  if pathlib.Path(path).suffix.lower() != '.prx':
    raise InputError(f'{path} must end in .prx: choose another name')
  data, sizes = encode(weights, meta, path)
  files.write_whole(path, lambda file: file.write(data))
  return sizes
