"""Which channels stay, so that a budget is held."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from prunax.errors import InputError
from prunax.shrinking.successive import Preference, Rescore, one_by_one

# How many channels each group keeps -> what that costs.
Cost = Callable[[np.ndarray], float]

SCOPES = ('global', 'layer')


class Choice(NamedTuple):
  """What stays.

  Attributes:
    keep: for each group, [size] which channels.
    cost: what is left of the budget's own measure.
  """

  keep: list[np.ndarray]
  cost: float


def select(
  scores: Sequence[np.ndarray],
  cost: Cost,
  target: float,
  *,
  scope: str = 'global',
  round_to: int = 1,
  whole: float = 1.0,
) -> Choice:
  """The channels of the highest scores that cost at most `target`.

  Globally, the channels of the lowest scores go first, wherever they are; by
  layer, the same part of each group goes. Then what went last comes back
  where it fits. A group keeps a channel at least.

  >>> choice = select([np.array([3.0, 1.0]), np.array([2.0, 4.0])], sum, 3.0)
  >>> [k.tolist() for k in choice.keep]
  [[True, False], [True, True]]

  Args:
    scores: for each group, [size].
    cost: of the counts that groups keep.
    target: the most that it may cost.
    scope: 'global' or 'layer'.
    round_to: groups keep a multiple of it, or all.
    whole: what all channels cost, in which an error counts.
  """
  if scope not in SCOPES:
    raise InputError(
      f'scope must be one of {", ".join(SCOPES)}, got {scope!r}: name one'
    )
  floors = np.array([min(len(s), round_to) for s in scores])
  sizes = np.array([len(s) for s in scores])
  order = [np.argsort(-s, kind='stable') for s in scores]
  if scope == 'layer':
    ranks = [np.empty(len(s)) for s in scores]
    for rank, best in zip(ranks, order, strict=True):
      rank[best] = -(np.arange(len(best)) + 1) / len(best)
  else:
    ranks = [np.asarray(s, np.float64) for s in scores]
  group = np.repeat(np.arange(len(scores)), sizes)
  flat = np.concatenate(ranks) if len(ranks) else np.zeros(0)
  queue = group[np.argsort(flat, kind='stable')]

  def kept(n: int) -> np.ndarray:
    counts = sizes - np.bincount(queue[:n], minlength=len(sizes))
    return rounded(np.maximum(counts, floors), sizes, round_to)

  if cost(kept(len(queue))) > target:
    raise _too_little(cost(kept(len(queue))), target, whole)
  low, high = 0, len(queue)
  while low < high:
    middle = (low + high) // 2
    if cost(kept(middle)) <= target:
      high = middle
    else:
      low = middle + 1
  counts = kept(high)
  # What went last and fits comes back.
  for g in queue[:high][::-1]:
    more = counts.copy()
    more[g] = min(counts[g] + round_to, sizes[g])
    if more[g] > counts[g] and cost(more) <= target:
      counts = more
  keep = []
  for n, best in zip(counts, order, strict=True):
    mask = np.zeros(len(best), bool)
    mask[best[:n]] = True
    keep.append(mask)
  return Choice(keep, float(cost(counts)))


def select_anew(
  rescores: Sequence[Rescore],
  alive: Sequence[np.ndarray],
  cost: Cost,
  target: float,
  added: Preference,
  *,
  round_to: int = 1,
  whole: float = 1.0,
) -> Choice:
  """As `select`, for scores that are found anew whenever a channel goes.

  Args:
    rescores: for each group, its scores by what is left.
    alive: for each group, [size] what is left at first.
    cost: of the counts that groups keep.
    target: the most that it may cost.
    added: to the scores of each group, by the counts that groups keep.
    round_to: groups keep a multiple of it, or all.
    whole: what all channels cost, in which an error counts.
  """
  left, gone = one_by_one(
    rescores, alive, added, lambda counts: cost(counts) <= target, round_to
  )
  counts = np.array([int(mask.sum()) for mask in left])
  if cost(counts) > target:
    raise _too_little(cost(counts), target, whole)
  for g, channels in reversed(gone):
    more = counts.copy()
    more[g] += len(channels)
    fits = more[g] % round_to == 0 or more[g] == len(left[g])
    if fits and cost(more) <= target:
      left[g][channels], counts = True, more
  return Choice(left, float(cost(counts)))


def _too_little(least: float, target: float, whole: float) -> InputError:
  return InputError(
    f'the budget must be at least {least / whole:.3g} of the whole, what the'
    f' least channels of all groups cost, got {target / whole:.3g}: allow more'
  )


def rounded(counts: np.ndarray, sizes: np.ndarray, to: int) -> np.ndarray:
  """Multiples of a number below the counts, at least one of it; or all.

  >>> rounded(np.array([7, 3, 10]), np.array([10, 10, 10]), 4).tolist()
  [4, 4, 10]
  """
  down = np.maximum(counts // to * to, np.minimum(to, sizes))
  return np.where(counts == sizes, sizes, down)
