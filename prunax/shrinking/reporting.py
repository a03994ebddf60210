"""What a cut did, in numbers."""

from typing import NamedTuple

import numpy as np

from prunax.shrinking.alive import living
from prunax.shrinking.expense import BY_LEAF, Expense, expense
from prunax.shrinking.groups import Group
from prunax.shrinking.model import Traced
from prunax.shrinking.plan import Plan


class Report(NamedTuple):
  """What a cut did.

  Attributes:
    plan: what is kept of each leaf.
    groups: the channels before.
    kept: by group, how many channels are left.
    stayed: by group, how many were to go, but had to stay, since what they
      hold when they are 0 reaches others, and depends on the place or the
      input.
    before: what the dense model costs, by 'flops', 'params', 'bytes', 'peak',
      'activations', 'cop_flops', 'cop_params' and 'cop_inputs'.
    after: what is left of it.
    layers: the same by leaf, as pairs of before and after; without 'peak'.
  """

  plan: Plan
  groups: list[Group]
  kept: dict[str, int]
  stayed: dict[str, int]
  before: dict[str, float]
  after: dict[str, float]
  layers: dict[str, dict[str, tuple[float, float]]]

  @property
  def prr(self) -> float:
    """Which part of the parameters is gone, as COP's authors count."""
    return _gone(self.before['cop_params'], self.after['cop_params'])

  @property
  def frr(self) -> float:
    """Which part of the FLOPs is gone, as COP's authors count."""
    return _gone(self.before['cop_flops'], self.after['cop_flops'])


def _gone(before: float, after: float) -> float:
  return 1 - after / before if before else 0.0


def report(
  traced: Traced,
  found: list[Group],
  gone: np.ndarray,
  stayed: np.ndarray,
  plan: Plan,
) -> Report:
  """What went, what was to go and stayed, and what the model costs."""
  counts = np.array([int((~np.isin(g.atoms, gone)).sum()) for g in found])
  ways = {b: expense(traced, found, b) for b in BY_LEAF}
  values = living(traced, found)
  still = {g.id: int(np.isin(g.atoms, stayed).sum()) for g in found}
  return Report(
    plan,
    found,
    {g.id: int(n) for g, n in zip(found, counts, strict=True)},
    {name: n for name, n in still.items() if n},
    {b: w.total() for b, w in ways.items()} | {'peak': values.peak()},
    {b: w.total(counts) for b, w in ways.items()}
    | {'peak': values.peak(counts)},
    {b: _layers(way, counts) for b, way in ways.items()},
  )


def _layers(way: Expense, counts: np.ndarray) -> dict[str, tuple[float, float]]:
  """By leaf what it costs before and after."""
  after = way.by_name(counts)
  return {name: (cost, after[name]) for name, cost in way.by_name().items()}
