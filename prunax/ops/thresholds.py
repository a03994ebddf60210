"""The exact k-th magnitude by bisection on the bits of a float.

Magnitudes order as their bit patterns do, so a search over the bits needs one
count a bit and no sort. A count is a sum: over a sharded array it moves one
scalar, where a sort would gather the array.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import lax

Arrays = jax.Array | Sequence[jax.Array]


def _as_list(arrays: Arrays) -> list[jax.Array]:
  if isinstance(arrays, (list, tuple)):
    return [jnp.asarray(x) for x in arrays]
  return [jnp.asarray(arrays)]


def _bits(x: jax.Array) -> jax.Array:
  """Unsigned integers that order as `abs(x)` does."""
  if jnp.finfo(x.dtype).bits < 32:
    x = x.astype(jnp.float32)
  unsigned = jnp.uint64 if x.dtype == jnp.float64 else jnp.uint32
  return lax.bitcast_convert_type(jnp.abs(x), unsigned)


def _count(conditions: Sequence[jax.Array]) -> jax.Array:
  counts = [jnp.sum(c, dtype=jnp.int32) for c in conditions]
  return sum(counts[1:], counts[0])


def _kth_bits(bits: Sequence[jax.Array], k: jax.Array) -> jax.Array:
  """The largest pattern that k of `bits` reach."""
  dtype = bits[0].dtype
  # The sign bit is never set in a magnitude.
  top = jnp.iinfo(dtype).bits - 2

  def set_bit(i: jax.Array, found: jax.Array) -> jax.Array:
    trial = found | (jnp.ones((), dtype) << (top - i).astype(dtype))
    return jnp.where(_count([b >= trial for b in bits]) >= k, trial, found)

  return lax.fori_loop(0, top + 1, set_bit, jnp.zeros((), dtype))


def kth_magnitude(arrays: Arrays, k: int | jax.Array) -> jax.Array:
  """The k-th largest absolute value over one array or several.

  >>> float(kth_magnitude(jnp.array([0.5, -3.0, 2.0]), 2))
  2.0

  Args:
    arrays: one array of any shape, or a sequence of them.
    k: from 1 to the number of entries.
  """
  bits = [_bits(x) for x in _as_list(arrays)]
  found = _kth_bits(bits, jnp.asarray(k, jnp.int32))
  wide = jnp.float64 if found.dtype == jnp.uint64 else jnp.float32
  return lax.bitcast_convert_type(found, wide)


def _flat_index(x: jax.Array, offset: int) -> jax.Array:
  """Each entry's place in row-major order, without a reshape."""
  index = jnp.full_like(x, offset, dtype=jnp.uint32)
  stride = 1
  for axis in reversed(range(x.ndim)):
    shape = [1] * x.ndim
    shape[axis] = x.shape[axis]
    steps = lax.broadcasted_iota(jnp.uint32, shape, axis)
    index = index + steps * jnp.uint32(stride)
    stride *= x.shape[axis]
  return index


def top_masks(arrays: Arrays, k: int | jax.Array) -> list[jax.Array]:
  """Masks of exactly the k entries of largest magnitude over all arrays.

  Among equals the earlier entry stays, in row-major order, array by array.

  >>> top_masks(jnp.array([1.0, -1.0, 1.0]), 2)[0].tolist()
  [True, True, False]

  Args:
    arrays: one array of any shape, or a sequence of them.
    k: from 0 to the number of entries; it may be traced.
  """
  leaves = _as_list(arrays)
  k = jnp.asarray(k, jnp.int32)
  bits = [_bits(x) for x in leaves]
  found = _kth_bits(bits, k)
  above = [b > found for b in bits]
  equal = [b == found for b in bits]

  def split_ties(_: None) -> list[jax.Array]:
    offsets = [sum(x.size for x in leaves[:i]) for i in range(len(leaves))]
    index = [_flat_index(x, o) for x, o in zip(leaves, offsets, strict=True)]
    room = k - _count(above)

    def set_bit(i: jax.Array, limit: jax.Array) -> jax.Array:
      trial = limit | (jnp.uint32(1) << (31 - i).astype(jnp.uint32))
      before = [e & (j < trial) for e, j in zip(equal, index, strict=True)]
      return jnp.where(_count(before) <= room, trial, limit)

    limit = lax.fori_loop(0, 32, set_bit, jnp.uint32(0))
    return [
      a | (e & (j < limit)) for a, e, j in zip(above, equal, index, strict=True)
    ]

  def keep_ties(_: None) -> list[jax.Array]:
    return [a | e for a, e in zip(above, equal, strict=True)]

  crowded = _count(above) + _count(equal) > k
  return lax.cond(crowded, split_ties, keep_ties, None)
