"""Scores that depend on what is left, and channels that go one by one."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from prunax.shrinking.expense import expense
from prunax.shrinking.groups import Group
from prunax.shrinking.model import Traced
from prunax.shrinking.score import Leaves

# Which channels of a group are left -> [size] their scores; others are ignored.
Rescore = Callable[[np.ndarray], np.ndarray]
# How many channels each group keeps -> what is added to each group's scores.
Preference = Callable[[np.ndarray], np.ndarray]


@dataclasses.dataclass(frozen=True)
class Successive:
  """A score that is found anew whenever a channel goes.

  Attributes:
    start: (leaves by name, group) -> the scores by what is left.
    weights: what a cheap layer adds to its scores, by the budget that says
      what it costs.
  """

  start: Callable[[Leaves, Group], Rescore]
  weights: Mapping[str, float] = dataclasses.field(default_factory=dict)

  def __call__(self, leaves: Leaves, group: Group) -> np.ndarray:
    return self.start(leaves, group)(np.ones(group.size, bool))


def preference(
  traced: Traced, found: list[Group], weights: Mapping[str, float]
) -> Preference:
  """What the costs of its layers add to the scores of each group.

  The sum over budgets of w (1 - log C / max log C), C what the layers cost
  that a group is made in and leads to (Wang et al., COP, 2019).
  """
  ways = {budget: expense(traced, found, budget) for budget in weights}
  layers = [{m.leaf for m in (*g.members, *g.consumers)} for g in found]

  def added(counts: np.ndarray) -> np.ndarray:
    total = np.zeros(len(found))
    for budget, weight in weights.items():
      costs = ways[budget].by_name(counts)
      own = [sum(costs.get(name, 0.0) for name in names) for names in layers]
      logs = np.log2(np.maximum(own, 1.0))
      total += weight * (1 - logs / max(logs.max(), 1.0))
    return total

  return added


def one_by_one(
  rescores: Sequence[Rescore],
  alive: Sequence[np.ndarray],
  added: Preference,
  enough: Callable[[np.ndarray], bool],
  round_to: int = 1,
) -> tuple[list[np.ndarray], list[tuple[int, np.ndarray]]]:
  """Takes the channel of the least score away until it is enough.

  Args:
    rescores: of each group.
    alive: for each group, [size] what is left at first.
    added: to the scores of each group, by the counts that groups keep.
    enough: whether so many channels of each group are few enough.
    round_to: groups keep a multiple of it, or at least the rest.

  Returns:
    what is left of each group, and what went: the group and its channels, in
    the order in which they went.
  """
  left = [mask.copy() for mask in alive]
  counts = np.array([int(mask.sum()) for mask in left])
  scores = [
    np.where(mask, rescore(mask), np.inf)
    for rescore, mask in zip(rescores, left, strict=True)
  ]
  gone: list[tuple[int, np.ndarray]] = []
  while not enough(counts):
    least = np.array([s.min() for s in scores]) + added(counts)
    least[counts <= round_to] = np.inf
    g = int(np.argmin(least))
    if np.isposinf(least[g]):
      break
    n = counts[g] % round_to or round_to
    going = np.argsort(scores[g], kind='stable')[:n]
    left[g][going] = False
    counts[g] -= n
    gone.append((g, going))
    scores[g] = np.where(left[g], rescores[g](left[g]), np.inf)
  return left, gone
