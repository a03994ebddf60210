"""Few levels for many values: k-means in one dimension."""

from typing import Any, NamedTuple

import jax
import numpy as np

from prunax.errors import InputError
from prunax.ops import optimal_cuts
from prunax.schedules.numbers import whole

STARTS = ('linear', 'density', 'random')

# Beyond these a whole number may be none in double precision.
_WHOLE = 2**53


class Clusters(NamedTuple):
  """What values are shared.

  Attributes:
    codebook: [m] the levels, ascending, of the values' dtype.
    labels: the index of each value's level, in the values' shape.
  """

  codebook: np.ndarray
  labels: np.ndarray

  @property
  def snapped(self) -> np.ndarray:
    """Each value's level in its place."""
    return self.codebook[self.labels]


def _checked(values: Any, k: int, leaf: str) -> np.ndarray:
  """The values flat and in double precision: what has an order, and a mean."""
  whole('the number of levels', k, 1)
  found = np.asarray(values)
  kind, wide = found.dtype.kind, found.real.astype(np.float64).ravel()
  if not wide.size:
    raise InputError('a codebook must be of some values, got none: give some')
  if kind == 'c':
    wanted, got = 'real', str(found.dtype)
  elif not np.isfinite(wide).all():
    wanted = 'finite'
    got = f'{int((~np.isfinite(wide)).sum())} values that are not'
  elif kind in 'iu' and ((found > _WHOLE) | (found < -_WHOLE)).any():
    wanted, got = 'of whole numbers to 2^53', 'larger ones'
  else:
    return wide
  what = f'the leaf {leaf!r}' if leaf else 'the values of a codebook'
  raise InputError(
    f'{what} must be {wanted} to be given levels, got {got}: mend the values,'
    ' or leave the leaf out by a rule'
  )


def _checked_weights(weights: Any, size: int) -> np.ndarray:
  flat = np.asarray(weights).astype(np.float64).ravel()
  good = flat.size == size and np.isfinite(flat).all() and (flat >= 0).all()
  if not (good and flat.any()):
    raise InputError(
      'the weights of a codebook must be finite, not negative, not all 0 and'
      f' one for each of {size} values, got {flat.size} weights from'
      f' {flat.min(initial=0)} to {flat.max(initial=0)}: mend them'
    )
  # Ratios alone matter, and products of huge weights would overflow.
  return flat / flat.max()


def _levels(
  distinct: np.ndarray, weights: np.ndarray, of_distinct: np.ndarray, k: int
) -> np.ndarray:
  """The mean of each of the k clusters, where labels ascend."""
  begins = np.searchsorted(of_distinct, np.arange(k))
  weight = np.add.reduceat(weights, begins)
  # About a value of its own, so that an offset of all costs no digits.
  anchor = distinct[begins]
  off = np.add.reduceat(weights * (distinct - anchor[of_distinct]), begins)
  return anchor + off / weight


def _named(values: Any, levels: np.ndarray, labels: np.ndarray) -> Clusters:
  """Levels in the dtype of the values: those that become equal are one."""
  like = np.asarray(values)
  # Adding 0 makes a -0 a 0.
  narrow = levels.astype(like.dtype) + np.zeros((), like.dtype)
  codebook, which = np.unique(narrow.astype(np.float64), return_inverse=True)
  where = which.astype(np.int32)[labels]
  return Clusters(codebook.astype(like.dtype), where.reshape(like.shape))


def exact(values: Any, k: int, weights: Any = None, leaf: str = '') -> Clusters:
  """The k levels of the least squared error (Wang and Song 2011).

  k-means in one dimension, solved to the global optimum: the sum of
  weights * (values - level)^2 is the least possible.

  >>> exact(np.array([5.0, 1.0, 2.0, 6.0]), 2).snapped.tolist()
  [5.5, 1.5, 1.5, 5.5]

  Args:
    values: finite, of any shape.
    k: how many levels; where there are no more distinct values, these are it.
    weights: how much the error of each value counts, from 0 up; None for all
      the same.
    leaf: what an error calls the values, if they have a name.

  Raises:
    InputError: for values that are complex, not finite, or whole numbers
      beyond 2^53, for weights that are not finite, and for k below 1.
  """
  wide = _checked(values, k, leaf)
  each = None if weights is None else _checked_weights(weights, wide.size)
  distinct, place = np.unique(wide, return_inverse=True)
  if len(distinct) <= k:
    return _named(values, distinct, place)
  # Equal values share a level, so they are one value that counts more.
  mass = np.bincount(place, each).astype(np.float64)
  counts = mass > 0
  # Squares of huge values would overflow; a power of two costs no digit.
  shift = int(np.frexp(np.abs(distinct).max())[1])
  distinct = np.ldexp(distinct, -shift)
  felt, mass = distinct[counts], mass[counts]
  if len(felt) <= k:
    levels = felt
  else:
    sums = optimal_cuts.sums_of(felt, mass)
    cuts = np.unique(optimal_cuts.optimal_cuts(sums, k))
    of_felt = np.searchsorted(cuts, np.arange(len(felt)), 'right')
    levels = _levels(felt, mass, of_felt, len(cuts) + 1)
  labels = _nearest(distinct, levels)[place]
  return _named(values, np.ldexp(levels, shift), labels)


def kept_alive(values: Any, found: Clusters) -> Clusters:
  """The same clusters without the level 0, which would kill its members.

  The member nearest to 0 is the level in its place, of two the first.

  >>> values = np.array([-1.0, 1.0, 9.0])
  >>> kept_alive(values, exact(values, 2)).snapped.tolist()
  [-1.0, -1.0, 9.0]

  Args:
    values: [n], none of them 0.
    found: their clusters.
  """
  if found.codebook.all():
    return found
  like = np.asarray(values)
  levels = found.codebook.astype(np.float64)
  members = like[found.labels == np.flatnonzero(levels == 0)[0]]
  levels[levels == 0] = members[np.argmin(np.abs(members.astype(np.float64)))]
  return _named(values, levels, found.labels)


def _nearest(values: np.ndarray, levels: np.ndarray) -> np.ndarray:
  """The nearest of ascending levels, of two the first."""
  return np.searchsorted((levels[1:] + levels[:-1]) / 2, values, 'left')


def _start(
  flat: np.ndarray, k: int, start: str, key: jax.Array | None
) -> np.ndarray:
  """The first levels of Lloyd's algorithm, ascending."""
  if start == 'linear':
    return np.linspace(flat.min(), flat.max(), k)
  if start == 'density':
    return np.quantile(flat, (np.arange(k) + 0.5) / k)
  if key is None:
    raise InputError("start='random' must have a key, got none: give one")
  drawn = jax.random.choice(key, flat.size, (min(k, flat.size),), replace=False)
  return np.sort(flat[np.asarray(drawn)])


def lloyd(
  values: Any,
  k: int,
  start: str = 'linear',
  key: jax.Array | None = None,
  leaf: str = '',
) -> Clusters:
  """Levels by Lloyd's algorithm, as Deep Compression has it.

  Han, Mao and Dally (2016), section 3, with the stop of the code that was
  published with demonstrations (may0324): each value goes to the nearest
  level, of two to the first, each level to the mean of its values, until the
  sum of |value - level| changes by less than 1 %, in 2 to 1000 passes. A level
  that no value is nearest to is dropped.

  >>> lloyd(np.array([0.0, 1.0, 2.0, 10.0]), 2).codebook.tolist()
  [1.0, 10.0]

  Args:
    values: finite, of any shape.
    k: how many levels there are at first.
    start: 'linear' spreads them evenly from the least value to the largest,
      'density' over the ranks of the values, 'random' draws k of the values.
    key: for 'random'.
    leaf: what an error calls the values, if they have a name.
  """
  wide = _checked(values, k, leaf)
  if start not in STARTS:
    raise InputError(
      f'start must be one of {", ".join(STARTS)}, got {start!r}: name one'
    )
  distinct, place = np.unique(wide, return_inverse=True)
  mass = np.bincount(place).astype(np.float64)
  levels = np.unique(_start(wide, k, start, key))
  before = error = np.inf
  labels = np.zeros(len(distinct), np.int64)
  for i in range(1000):
    if i > 1 and (error == 0 or abs(before - error) < 0.01 * before):
      break
    before = error
    used, labels = np.unique(_nearest(distinct, levels), return_inverse=True)
    error = float(np.sum(mass * np.abs(distinct - levels[used][labels])))
    levels = _levels(distinct, mass, labels, len(used))
  return _named(values, levels, labels[place])
