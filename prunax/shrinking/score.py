"""How much a channel matters, by its weights."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from prunax import tree
from prunax.errors import InputError
from prunax.shrinking.groups import Group

Leaves = Mapping[str, np.ndarray]
# (leaves by name, group) -> [size] a number for each channel, higher stays.
Score = Callable[[Leaves, Group], np.ndarray]


def slices(leaves: Leaves, group: Group, leaf: str, axis: int) -> np.ndarray:
  """What a leaf holds of each channel, [size, ...] in one row each."""
  x = np.moveaxis(np.asarray(leaves[leaf], np.float64), axis, 0)
  found = x[group.places[leaf, axis]]
  return found.reshape(group.size, -1)


def kernels(leaves: Leaves, group: Group) -> np.ndarray:
  """The rows of all kernels that make each channel."""
  rows = [
    slices(leaves, group, m.leaf, m.axis)
    for m in group.members
    if leaves[m.leaf].ndim > 1
  ]
  return np.concatenate(rows, 1) if rows else np.ones((group.size, 1))


def l1(leaves: Leaves, group: Group) -> np.ndarray:
  """The sum of the magnitudes of a filter (Li et al. 2017)."""
  return np.abs(kernels(leaves, group)).sum(1)


def l2(leaves: Leaves, group: Group) -> np.ndarray:
  """The Euclidean norm of a filter."""
  return np.sqrt(np.square(kernels(leaves, group)).sum(1))


def bn_scale(leaves: Leaves, group: Group) -> np.ndarray:
  """The magnitude of the norm's scale, averaged (Liu et al. 2017)."""
  found = [
    np.abs(slices(leaves, group, m.leaf, m.axis)).mean(1)
    for m in group.members
    if leaves[m.leaf].ndim == 1
    and m.leaf.rsplit('/', 1)[-1] in ('scale', 'weight', 'gamma')
  ]
  if not found:
    raise InputError(
      f'bn_scale must have a norm with a scale behind {group.id!r}, got none:'
      ' take another score, or None for it by a rule'
    )
  return np.mean(found, axis=0)


def random(key: jax.Array) -> Score:
  """A score that knows nothing, to compare with."""

  def score(leaves: Leaves, group: Group) -> np.ndarray:
    del leaves
    own = jax.random.fold_in(key, int(group.atoms[0]) % (1 << 31))
    return np.asarray(jax.random.uniform(own, (group.size,)))

  return score


SCORES: dict[str, Score] = {
  'l1': l1,
  'l2': l2,
  'bn_scale': bn_scale,
}


def of(score: str | Score) -> Score:
  """The score of that name, or a function of a user as it is."""
  if not isinstance(score, str) and callable(score):
    _check_takes_two(score)
    return score
  if not isinstance(score, str) or score not in SCORES:
    raise InputError(
      f'score must be one of {", ".join(SCORES)} or a function, got'
      f' {score!r}: name one'
    )
  return SCORES[score]


def _check_takes_two(score: Score) -> None:
  """Refuses a function that cannot be called with leaves and a group."""
  try:
    signature = inspect.signature(score, follow_wrapped=False)
  except (TypeError, ValueError):
    return
  try:
    signature.bind({}, None)
  except TypeError:
    raise InputError(
      'score must be a function of the leaves by name and of the group, got'
      f' one of {signature}: give it these two'
    ) from None


def numbers(found: Any, group: Group) -> np.ndarray:
  """What a score gave, if these are numbers for the channels of a group."""
  must = f'a score must be {group.size} finite numbers for {group.id!r}, got'
  try:
    given = np.asarray(found)
    if given.dtype.kind == 'c':
      raise TypeError
    given = given.astype(np.float64)
  except (TypeError, ValueError):
    raise InputError(f'{must} {type(found).__name__}: mend the score') from None
  if given.shape != (group.size,):
    raise InputError(f'{must} the shape {given.shape}: mend the score')
  if not np.isfinite(given).all():
    raise InputError(
      f'{must} others than finite ones: mend the score, or the weights if they'
      ' are not finite'
    )
  return given


def checked(score: str | Score, leaves: Leaves, group: Group) -> np.ndarray:
  """The numbers of a score, by name or as a function of a user."""
  return numbers(of(score)(leaves, group), group)


def named(variables: Any) -> dict[str, np.ndarray]:
  """The leaves by name, as scores see them."""
  return {n: np.asarray(x) for n, x in tree.named_leaves(variables).items()}
