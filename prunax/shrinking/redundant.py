"""How little others can do the work of a channel: COP."""

import dataclasses
import re
from collections.abc import Callable, Mapping

import numpy as np

from prunax.errors import InputError
from prunax.ops import redundancy
from prunax.schedules.numbers import number
from prunax.shrinking.expense import expense
from prunax.shrinking.groups import Group, Member
from prunax.shrinking.model import Traced
from prunax.shrinking.score import SCORES, Leaves, Score

# How many channels each group keeps -> what is added to each group's scores.
Preference = Callable[[np.ndarray], np.ndarray]


@dataclasses.dataclass(frozen=True)
class Preferring:
  """A score, and what the cost of a layer adds to it while channels go.

  Attributes:
    score: of the channels.
    weights: how much the cost counts, by its budget.
  """

  score: Score
  weights: Mapping[str, float]

  def __call__(self, leaves: Leaves, group: Group) -> np.ndarray:
    return self.score(leaves, group)


def cop(
  measure: str = 'correlation',
  top_k: int = 3,
  normalize: str = 'max',
  *,
  alpha: float = 1.0,
  beta: float = 0.0,
  gamma: float = 0.0,
  without: str | None = None,
) -> Score:
  """How little others can do the work of a channel (Wang et al., COP, 2019).

  alpha (1 - redundancy) + beta (1 - c) + gamma (1 - p): redundancy is the mean
  over the layers that a channel leads to; c and p are the logarithms of the
  FLOPs and parameters of the layers that it is made in and leads to, divided
  by the largest, anew whenever a channel goes. Layers are comparable.

  Args:
    measure: 'correlation', 'cosine' or 'inner_product'.
    top_k: of how many others.
    normalize: 'max', 'l1' or 'l2', layer by layer.
    alpha: how much redundancy counts.
    beta: how much FLOPs count.
    gamma: how much parameters count.
    without: a pattern of leaves; where a channel leads to several layers,
      those are left out of the mean.
  """
  for name, weight in (('alpha', alpha), ('beta', beta), ('gamma', gamma)):
    number(name, weight, 0)

  def score(leaves: Leaves, group: Group) -> np.ndarray:
    found = [
      redundancy.redundancy(
        _onward(leaves, group, m.leaf, m.axis), measure, top_k, normalize
      )
      for m in _read_by(group, without)
    ]
    return alpha * (1 - np.mean(found, axis=0))

  weights = {'cop_flops': beta, 'cop_params': gamma}
  if beta or gamma:
    return Preferring(score, {k: w for k, w in weights.items() if w})
  return score


def _read_by(group: Group, without: str | None) -> list[Member]:
  """The layers that a channel leads to, as far as they count."""
  if not group.consumers:
    raise InputError(
      f'cop must have a layer that {group.id!r} leads to, got none: take'
      ' another score, or None for it by a rule'
    )
  if without is None:
    return list(group.consumers)
  counted = [m for m in group.consumers if not re.fullmatch(without, m.leaf)]
  return counted or list(group.consumers)


def _onward(leaves: Leaves, group: Group, leaf: str, axis: int) -> np.ndarray:
  """[positions, size, out]: the weights that lead on from each channel."""
  x = np.moveaxis(np.asarray(leaves[leaf], np.float64), axis, 0)
  # [size, block, ..., out]; the places of a channel count as positions.
  x = x[group.places[leaf, axis]]
  return np.moveaxis(x.reshape(group.size, -1, x.shape[-1]), 0, 1)


def preference(
  traced: Traced, found: list[Group], weights: Mapping[str, float]
) -> Preference:
  """What the costs of its layers add to the scores of each group.

  The sum over budgets of w (1 - log C / max log C), C what the layers cost
  that a group is made in and leads to.
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


SCORES['cop'] = cop()
