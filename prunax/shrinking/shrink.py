"""The one call: a smaller model with the same outputs as the masked one."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from prunax import tree
from prunax.errors import InputError
from prunax.schedules.numbers import number, whole
from prunax.shrinking import cutting, model
from prunax.shrinking import score as scores
from prunax.shrinking.expense import BUDGETS, Expense, expense
from prunax.shrinking.groups import Group, groups
from prunax.shrinking.model import Traced
from prunax.shrinking.plan import Plan
from prunax.shrinking.select import select


class Report(NamedTuple):
  """What a cut did.

  Attributes:
    plan: what is kept of each leaf.
    groups: the channels before.
    kept: by group, how many channels are left.
    stayed: by group, how many were to go, but had to stay as they are, since
      what they hold reaches others and depends on the place or the input.
    before: what the dense model costs, by 'flops', 'params' and 'bytes'.
    after: what is left of it.
    layers: the same by leaf, as pairs of before and after.
  """

  plan: Plan
  groups: list[Group]
  kept: dict[str, int]
  stayed: dict[str, int]
  before: dict[str, float]
  after: dict[str, float]
  layers: dict[str, dict[str, tuple[float, float]]]


class Shrunk(NamedTuple):
  """A cut model: unpacks as (apply, variables, report)."""

  apply: Callable[..., Any]
  variables: Any
  report: Report


def channels(
  apply: Callable[..., Any], variables: Any, *example: Any, **kwargs: Any
) -> list[Group]:
  """The groups of channels of a model, and whether they may be cut.

  >>> import jax
  >>> def apply(variables, x):
  ...   return jax.nn.relu(x @ variables['a']) @ variables['b']
  >>> net = {'a': np.ones((3, 4), 'f'), 'b': np.ones((4, 2), 'f')}
  >>> found = channels(apply, net, np.ones((1, 3), 'f'))
  >>> [(g.id, g.size, g.prunable) for g in found]
  [('a', 4, True), ('b', 2, False)]

  Args:
    apply: a pure function of (variables, *example, **kwargs).
    variables: any tree of arrays.
    *example: what else it is called with; its shapes matter alone.
    **kwargs: the same by name.
  """
  call = model.call_of(example, kwargs)
  return groups(model.trace(apply, variables, call))


def shrink(
  apply: Callable[..., Any],
  variables: Any,
  *example: Any,
  keep: Mapping[str, Any] | None = None,
  density: float | None = None,
  budget: str = 'flops',
  score: str | scores.Score = 'l2',
  scope: str = 'global',
  rules: tree.Rules | None = None,
  round_to: int = 1,
  steps: int = 1,
  **kwargs: Any,
) -> Shrunk:
  """Cuts channels out of a model: smaller arrays, and the program for them.

  The outputs are those of the masked model, `report.plan.mask(variables)`:
  the one whose removed channels are 0 in all that makes them. With neither
  `keep` nor `density` only what is dead goes, and the outputs stay.

  >>> import jax
  >>> def apply(variables, x):
  ...   return jax.nn.relu(x @ variables['a']) @ variables['b']
  >>> net = {'a': np.ones((3, 4), 'f'), 'b': np.ones((4, 2), 'f')}
  >>> small = shrink(apply, net, np.ones((1, 3), 'f'), density=0.5)
  >>> jax.tree.map(np.shape, small.variables)
  {'a': (3, 2), 'b': (2, 2)}
  >>> small.apply(small.variables, np.ones((5, 3), 'f')).shape
  (5, 2)

  Args:
    apply: a pure function of (variables, *example, **kwargs).
    variables: any tree of arrays.
    *example: what else it is called with; its shapes matter alone.
    keep: by leaf or group, a boolean for each channel; others stay whole.
    density: the part of the budget that stays.
    budget: 'flops', 'params', 'bytes' or 'filters'.
    score: 'l1', 'l2', 'bn_scale', or a function of the leaves by name and the
      group.
    scope: 'global', the lowest scores first wherever they are, or 'layer', the
      same part of each.
    rules: path rules for groups by their id: a density of their own, or None
      for never.
    round_to: groups keep a multiple of it.
    steps: in how many cuts; each is chosen by the scores of what is left.
    **kwargs: what `apply` is called with by name.
  """
  call = model.call_of(example, kwargs)
  traced = model.trace(apply, variables, call)
  found = groups(traced)
  if keep is not None and density is not None:
    raise InputError(
      'one of keep and density must be given, got both: leave one out'
    )
  if keep is not None:
    gone = _named(traced, found, keep)
  elif density is not None:
    settings = _Settings(density, budget, score, scope, rules, round_to, steps)
    gone = _chosen(traced, found, variables, settings)
  else:
    gone = _spared(cutting.dead(traced, variables, found), found)

  masked = variables
  if keep is not None or density is not None:
    masked = cutting.plan_of(traced, gone, {}).mask(variables)
  left, added = cutting.settled(traced, gone, masked)
  plan = cutting.plan_of(traced, left, added)
  return Shrunk(
    cutting.cut_apply(apply, plan),
    plan.cut(masked),
    _report(traced, found, gone, left, plan),
  )


def _spared(gone: np.ndarray, found: Sequence[Group]) -> np.ndarray:
  """Without one channel of each group, if all of them are dead."""
  whole = [g.atoms[0] for g in found if np.isin(g.atoms, gone).all()]
  return np.setdiff1d(gone, whole)


def _report(
  traced: Traced,
  found: list[Group],
  gone: np.ndarray,
  left: np.ndarray,
  plan: Plan,
) -> Report:
  counts = np.array([int((~np.isin(g.atoms, left)).sum()) for g in found])
  ways = {b: expense(traced, found, b) for b in ('flops', 'params', 'bytes')}
  stuck = np.setdiff1d(gone, left)
  stayed = {g.id: int(np.isin(g.atoms, stuck).sum()) for g in found}
  return Report(
    plan,
    found,
    {g.id: int(n) for g, n in zip(found, counts, strict=True)},
    {name: n for name, n in stayed.items() if n},
    {b: way.total() for b, way in ways.items()},
    {b: way.total(counts) for b, way in ways.items()},
    {
      b: {
        name: (cost, way.by_name(counts)[name])
        for name, cost in way.by_name().items()
      }
      for b, way in ways.items()
    },
  )


class _Settings(NamedTuple):
  density: float
  budget: str
  score: str | scores.Score
  scope: str
  rules: tree.Rules | None
  round_to: int
  steps: int


def _chosen(
  traced: Traced, found: list[Group], variables: Any, settings: _Settings
) -> np.ndarray:
  """The sets of atoms that go for a budget."""
  density = number('density', settings.density)
  if not 0 < density <= 1:
    raise InputError(
      f'density must be above 0 and at most 1, got {density!r}: mend it'
    )
  if settings.budget not in BUDGETS:
    raise InputError(
      f'budget must be one of {", ".join(BUDGETS)}, got {settings.budget!r}:'
      ' name one'
    )
  steps = whole('steps', settings.steps, 1)
  whole('round_to', settings.round_to, 1)
  own = _own_densities(found, settings.rules)
  free = [i for i, g in enumerate(found) if g.prunable and own[i] is not None]
  if not free:
    raise InputError(
      'a model must have channels that may be cut, got none:'
      f' {"; ".join(sorted({g.why for g in found if g.why}))}'
    )
  way = expense(traced, found, settings.budget)
  kept = [np.ones(g.size, bool) for g in found]
  for step in range(1, steps + 1):
    part = 1 - (1 - density) * step / steps
    kept = _step(traced, found, variables, settings, way, free, own, kept, part)
  return np.concatenate([g.atoms[~k] for g, k in zip(found, kept, strict=True)])


def _own_densities(
  found: list[Group], rules: tree.Rules | None
) -> list[float | None]:
  """By group: 1 where the budget decides, else its own density or None."""
  if rules is None:
    return [1.0] * len(found)
  values = tree.rule_values(rules, [g.id for g in found])
  return [
    None if v is None else number('a density of rules', v) for v in values
  ]


def _step(
  traced: Traced,
  found: list[Group],
  variables: Any,
  settings: _Settings,
  way: Expense,
  free: list[int],
  own: list[float | None],
  kept: list[np.ndarray],
  part: float,
) -> list[np.ndarray]:
  gone = np.concatenate([g.atoms[~k] for g, k in zip(found, kept, strict=True)])
  leaves = scores.named(cutting.plan_of(traced, gone, {}).mask(variables))
  new = list(kept)
  counts = np.array([int(k.sum()) for k in kept])
  for i in free:
    mine = own[i]
    if mine is not None and mine < 1:
      size = max(1, round(mine * found[i].size))
      rank = np.where(
        kept[i], scores.checked(settings.score, leaves, found[i]), -np.inf
      )
      mask = np.zeros(found[i].size, bool)
      mask[np.argsort(-rank, kind='stable')[:size]] = True
      new[i], counts[i] = mask, size
  shared = [i for i in free if own[i] == 1]
  given = [
    np.where(kept[i], scores.checked(settings.score, leaves, found[i]), -np.inf)
    for i in shared
  ]

  def cost(some: np.ndarray) -> float:
    full = counts.copy()
    full[shared] = some
    return way.total(full)

  choice = select(
    given,
    cost,
    part * way.total(),
    scope=settings.scope,
    round_to=settings.round_to,
  )
  for i, mask in zip(shared, choice.keep, strict=True):
    new[i] = mask & kept[i]
  return new


def _named(
  traced: Traced, found: list[Group], keep: Mapping[str, Any]
) -> np.ndarray:
  """The sets of atoms that go where the user says what stays."""
  by_id = {g.id: g for g in found}
  wanted: dict[int, bool] = {}
  for name, given in keep.items():
    vector = np.asarray(given)
    atoms = _positions(traced, by_id, name, vector)
    why = {traced.linker.cause(int(a)) for a in atoms[~vector]} - {''}
    if why or (~vector & (atoms == 0)).any():
      raise InputError(
        f'what keep cuts of {name!r} must be free to go, but'
        f' {", ".join(sorted(why)) or "it is no channel"}: keep it'
      )
    if not vector.any():
      raise InputError(
        f'keep must leave a channel of {name!r} at least, got none: keep one'
      )
    for atom, stays in zip(atoms.tolist(), vector.tolist(), strict=True):
      if wanted.setdefault(atom, stays) != stays:
        raise InputError(
          f'the vectors of keep must agree within a group, but that of {name!r}'
          ' cuts what goes with a channel that is kept: mend one'
        )
  gone = [atom for atom, stays in wanted.items() if not stays]
  return np.array(sorted(gone), np.int64)


def _positions(
  traced: Traced, by_id: Mapping[str, Group], name: str, vector: np.ndarray
) -> np.ndarray:
  """The atoms that a vector of a leaf or a group is about."""
  if vector.dtype != bool or vector.ndim != 1:
    raise InputError(
      f'keep[{name!r}] must be a vector of booleans, got'
      f' {vector.dtype} of the shape {vector.shape}: give one'
    )
  options: list[np.ndarray] = []
  if name in traced.names:
    axes = traced.axes[traced.names.index(name)]
    taken = [
      m.axis
      for g in by_id.values()
      for m in g.members
      if m.leaf == name and g.prunable
    ]
    options = [traced.linker.find(axes[k]) for k in dict.fromkeys(taken)]
  if name in by_id:
    options.insert(0, by_id[name].atoms)
  for atoms in options:
    if len(atoms) == len(vector):
      return atoms
  if not options:
    raise InputError(
      f'keep must name leaves or groups with channels, got {name!r}: they are'
      f' {", ".join(n for n, g in by_id.items() if g.prunable)}'
    )
  raise InputError(
    f'keep[{name!r}] must have {len(options[0])} entries, got {len(vector)}'
  )


__all__ = ['Report', 'Shrunk', 'channels', 'shrink']
