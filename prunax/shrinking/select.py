"""Which channels stay, so that a budget is held."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from prunax.errors import InputError

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
  added: Callable[[np.ndarray], np.ndarray] | None = None,
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
    added: of the counts that groups keep, what each group's scores gain by
      them, as long as they are so many; for the scope 'global'.
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
  if added is None or scope == 'layer':
    group = np.repeat(np.arange(len(scores)), sizes)
    flat = np.concatenate(ranks) if len(ranks) else np.zeros(0)
    queue = group[np.argsort(flat, kind='stable')]
  else:
    queue = _one_by_one(ranks, added, lambda n: cost(n) <= target)

  def kept(n: int) -> np.ndarray:
    counts = sizes - np.bincount(queue[:n], minlength=len(sizes))
    return _rounded(np.maximum(counts, floors), sizes, round_to)

  if cost(kept(len(queue))) > target:
    raise InputError(
      f'the budget must be at least {cost(kept(len(queue))):g}, what the least'
      f' channels of all groups cost, got {target:g}: allow more'
    )
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


def _one_by_one(
  scores: Sequence[np.ndarray],
  added: Callable[[np.ndarray], np.ndarray],
  enough: Callable[[np.ndarray], bool],
) -> np.ndarray:
  """The groups whose least channel goes, one after the other."""
  rising = [np.sort(s) for s in scores]
  counts = np.array([len(s) for s in scores])
  gone = np.zeros(len(scores), int)
  queue: list[int] = []
  while not enough(counts):
    least = np.array(
      [
        s[n] if n < len(s) - 1 else np.inf
        for s, n in zip(rising, gone, strict=True)
      ]
    )
    if np.isposinf(least).all():
      break
    g = int(np.argmin(least + added(counts)))
    queue.append(g)
    gone[g] += 1
    counts[g] -= 1
  # All that is left, for the groups that round their counts.
  rest = [np.full(n, g) for g, n in enumerate(counts)]
  return np.concatenate([np.array(queue, int), *rest])


def _rounded(counts: np.ndarray, sizes: np.ndarray, to: int) -> np.ndarray:
  down = np.maximum(counts // to * to, np.minimum(to, sizes))
  return np.where(counts == sizes, sizes, down)
