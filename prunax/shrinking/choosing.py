"""Which channels go for a budget, by their scores."""

from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np

from prunax import tree
from prunax.errors import InputError
from prunax.schedules.numbers import number, whole
from prunax.shrinking import cutting
from prunax.shrinking import score as scores
from prunax.shrinking.expense import BUDGETS, Expense, expense
from prunax.shrinking.groups import Group
from prunax.shrinking.model import Traced
from prunax.shrinking.select import SCOPES, rounded, select, select_anew
from prunax.shrinking.successive import (
  Preference,
  Rescore,
  Successive,
  preference,
)


class Settings(NamedTuple):
  density: float
  budget: str
  score: str | scores.Score
  scope: str
  rules: tree.Rules | None
  round_to: int
  steps: int


def check(settings: Settings) -> None:
  """Refuses settings that no model could take."""
  density = number('density', settings.density)
  if not 0 < density <= 1:
    raise InputError(
      f'density must be above 0 and at most 1, got {density!r}: mend it'
    )
  for name, value, known in (
    ('budget', settings.budget, BUDGETS),
    ('scope', settings.scope, SCOPES),
  ):
    if value not in known:
      raise InputError(
        f'{name} must be one of {", ".join(known)}, got {value!r}: name one'
      )
  whole('steps', settings.steps, 1)
  whole('round_to', settings.round_to, 1)


def within_budget(
  traced: Traced, found: list[Group], variables: Any, settings: Settings
) -> cutting.Settled:
  """What goes for a budget.

  Groups with channels that cannot go, even if they are 0, stay whole, and
  others go instead.
  """
  check(settings)
  barred: list[str] = []
  stayed = np.zeros(0, np.int64)
  while True:
    try:
      wanted = _chosen(traced, found, variables, settings, barred)
    except InputError as e:
      if not barred:
        raise
      raise InputError(
        f'{", ".join(barred)} must stay whole, since what these channels give'
        f' when they are 0 depends on the place or the input, and {e}'
      ) from e
    cut = cutting.zeroed(traced, wanted, variables)
    stayed = np.union1d(stayed, cut.stayed)
    if not cut.stayed.size:
      return cut._replace(stayed=stayed)
    barred += [g.id for g in found if np.isin(g.atoms, cut.stayed).any()]


def affordable(
  traced: Traced, found: list[Group], variables: Any, settings: Settings
) -> None:
  """Refuses rules that fit no group, and a budget that no scores could meet."""
  check(settings)
  _chosen(traced, found, variables, settings, ())


def _chosen(
  traced: Traced,
  found: list[Group],
  variables: Any,
  settings: Settings,
  barred: Collection[str],
) -> np.ndarray:
  """The sets of atoms that go for a budget."""
  density, steps = settings.density, settings.steps
  own = _own_densities(found, settings.rules)
  own = [None if g.id in barred else x for g, x in zip(found, own, strict=True)]
  free = [i for i, g in enumerate(found) if g.prunable and own[i] is not None]
  if not free:
    why = '; '.join(sorted({g.why for g in found if g.why})) or 'none is made'
    raise InputError(
      f'a model must have channels that may be cut, got none: {why}; leave some'
      ' to the budget, or cut another model'
    )
  way = expense(traced, found, settings.budget)
  score = scores.of(settings.score)
  weights = score.weights if isinstance(score, Successive) else {}
  added = preference(traced, found, weights)
  cut = _Cut(traced, found, variables, settings, way, free, own, added)
  kept = [np.ones(g.size, bool) for g in found]
  for step in range(1, steps + 1):
    part = 1 - (1 - density) * step / steps
    kept = _step(cut, kept, part)
  return np.concatenate([g.atoms[~k] for g, k in zip(found, kept, strict=True)])


def _own_densities(
  found: list[Group], rules: tree.Rules | None
) -> list[float | None]:
  """By group: 1 where the budget decides, else its own density or None."""
  if rules is None:
    return [1.0] * len(found)
  tree.check_rules(rules)
  values = tree.rule_values(rules, [g.id for g in found])
  for group, value in zip(found, values, strict=True):
    named = f'the density of {group.id!r} by the rules'
    if value is not None and not 0 < number(named, value) <= 1:
      raise InputError(
        f'{named} must be above 0 and at most 1, got {value!r}: mend it, or'
        ' give None for never'
      )
  return values


class _Cut(NamedTuple):
  """What all steps of a cut share.

  Attributes:
    free: the groups that may be cut.
    own: by group, 1 where the budget decides, or its own density.
    added: what a group's size adds to its scores, if the score prefers some.
  """

  traced: Traced
  found: list[Group]
  variables: Any
  settings: Settings
  way: Expense
  free: list[int]
  own: list[float | None]
  added: Preference


def _step(cut: _Cut, kept: list[np.ndarray], part: float) -> list[np.ndarray]:
  """What is left of each group where a part of the budget is."""
  traced, found, variables, settings, way, free, own, added = cut
  gone = np.concatenate([g.atoms[~k] for g, k in zip(found, kept, strict=True)])
  leaves = scores.named(cutting.plan_of(traced, gone, {}).mask(variables))
  new = list(kept)
  counts = np.array([int(k.sum()) for k in kept])
  for i in free:
    mine = own[i]
    if mine is not None and mine < 1:
      size = max(1, round(mine * found[i].size))
      whole_size = np.array(found[i].size)
      size = int(rounded(np.array(size), whole_size, settings.round_to))
      rank = np.where(
        kept[i], scores.checked(settings.score, leaves, found[i]), -np.inf
      )
      mask = np.zeros(found[i].size, bool)
      mask[np.argsort(-rank, kind='stable')[:size]] = True
      new[i], counts[i] = mask, size
  shared = [i for i in free if own[i] == 1]
  if not shared:
    return new

  def full(some: np.ndarray) -> np.ndarray:
    every = counts.copy()
    every[shared] = some
    return every

  def cost(some: np.ndarray) -> float:
    return way.total(full(some))

  target, score = part * way.total(), scores.of(settings.score)
  if isinstance(score, Successive) and settings.scope == 'global':
    keep = select_anew(
      [_rescore(score, leaves, found[i]) for i in shared],
      [kept[i] for i in shared],
      cost,
      target,
      lambda some: added(full(some))[shared],
      round_to=settings.round_to,
      whole=way.total(),
    ).keep
  else:
    # What is gone already is not to come back.
    given = [scores.checked(score, leaves, found[i])[kept[i]] for i in shared]
    chosen = select(
      given,
      cost,
      target,
      scope=settings.scope,
      round_to=settings.round_to,
      whole=way.total(),
    ).keep
    keep = [_among(kept[i], x) for i, x in zip(shared, chosen, strict=True)]
  for i, mask in zip(shared, keep, strict=True):
    new[i] = mask
  return new


def _among(alive: np.ndarray, chosen: np.ndarray) -> np.ndarray:
  """The mask of what is chosen among those that are alive."""
  mask = alive.copy()
  mask[alive] = chosen
  return mask


def _rescore(score: Successive, leaves: scores.Leaves, group: Group) -> Rescore:
  """The scores by what is left, which must be numbers."""
  start = score.start(leaves, group)

  def rescore(alive: np.ndarray) -> np.ndarray:
    return scores.numbers(start(alive), group)

  return rescore
