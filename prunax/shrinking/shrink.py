"""The one call: a smaller model with the same outputs as the masked one."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from prunax import tree
from prunax.errors import InputError
from prunax.shrinking import choosing, cutting, keeping, model
from prunax.shrinking import score as scores
from prunax.shrinking.alive import Memory, living
from prunax.shrinking.expense import BY_LEAF, expense
from prunax.shrinking.groups import Group, groups
from prunax.shrinking.reporting import Report, report

_USUAL = choosing.Settings(1.0, 'flops', 'l2', 'global', None, 1, 1)


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


def spent(
  apply: Callable[..., Any],
  variables: Any,
  *example: Any,
  budget: str = 'flops',
  **kwargs: Any,
) -> dict[str, float]:
  """What a model costs, leaf by leaf.

  'flops' are two for each multiplication of a convolution or a dot product, at
  the batch of the example, by the leaf that is multiplied with, and
  'activations' the bytes of what these give, which training keeps. 'params'
  are the weights, without running averages, and 'bytes' those of all leaves.
  'cop_flops' and 'cop_params' are counted as COP's authors do (Wang et al.,
  2019): of convolutions and dot products with a leaf alone, each with a bias.

  >>> def apply(variables, x):
  ...   return x @ variables['a']
  >>> spent(apply, {'a': np.ones((3, 4), 'f')}, np.ones((2, 3), 'f'))
  {'a': 48.0}
  >>> spent(apply, {'a': np.ones((3, 4))}, np.ones((2, 3)), budget='cop_params')
  {'a': 16.0}
  """
  if budget not in BY_LEAF:
    raise InputError(
      f'budget must be one of {", ".join(BY_LEAF)}, got {budget!r}: name one'
    )
  traced = model.trace(apply, variables, model.call_of(example, kwargs))
  return expense(traced, groups(traced), budget).by_name()


def memory(
  apply: Callable[..., Any], variables: Any, *example: Any, **kwargs: Any
) -> Memory:
  """How many bytes a model's values take beside its variables.

  The program runs in order: an input or what an equation gives is alive until
  it is read last. Nothing is done in place and nothing is fused, as a compiler
  would, so that `peak` is what to compare models by, and not what a machine
  takes.

  >>> def apply(variables, x):
  ...   return (x @ variables['a']).sum()
  >>> memory(apply, {'a': np.ones((3, 4), 'f')}, np.ones((2, 3), 'f'))
  Memory(peak=56.0, activations=32.0)
  """
  traced = model.trace(apply, variables, model.call_of(example, kwargs))
  found = groups(traced)
  kept = expense(traced, found, 'activations').total()
  return Memory(living(traced, found).peak(), kept)


def affordable(
  apply: Callable[..., Any],
  variables: Any,
  *example: Any,
  density: float,
  **settings: Any,
) -> None:
  """Refuses what no weights of these shapes could be cut by, and cuts nothing.

  That are rules that fit no group, groups that may not be cut, and budgets
  that even the smallest choice exceeds; `settings` are those of `shrink`.

  >>> net = {'a': np.ones((3, 4), 'f'), 'b': np.ones((4, 2), 'f')}
  >>> def apply(variables, x):
  ...   return x @ variables['a'] @ variables['b']
  >>> affordable(apply, net, np.ones((1, 3), 'f'), density=0.01)
  Traceback (most recent call last):
    ...
  prunax.errors.InputError: the budget must be at least ...
  """
  traced = model.trace(apply, variables, model.call_of(example, {}))
  wanted = _USUAL._replace(density=density, **settings)
  choosing.affordable(traced, groups(traced), variables, wanted)


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

  With neither `keep` nor `density` only what is dead goes, and the outputs
  stay. Else they are those of the masked model, `report.plan.mask(variables)`:
  the one whose removed channels are 0 in all that makes them. Channels that
  cannot go without a trace then stay as 0 if `keep` leaves them out, and a
  budget keeps their groups whole and takes others; `report.stayed` tells which.
  A cut model is cut again by its own `apply` and variables; `report.plan` is
  for these, and its `before` is the plan of the first cut.

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
    budget: 'filters', or what `spent` counts: 'flops', 'params', 'bytes',
      'activations', 'cop_flops', 'cop_params' or 'cop_inputs'.
    score: 'l1', 'l2', 'bn_scale', 'cop', 'fpgm', or a function of the leaves by
      name and the group.
    scope: 'global', the lowest scores first wherever they are, or 'layer', the
      same part of each.
    rules: path rules for groups by their id: a density of their own, 1.0 to
      leave them to the budget, or None
      for never.
    round_to: groups keep a multiple of it.
    steps: in how many cuts; each is chosen by the scores of what is left.
    **kwargs: what `apply` is called with by name.
  """
  call = model.call_of(example, kwargs)
  traced = model.trace(apply, variables, call)
  found = groups(traced)
  settings = choosing.Settings(
    1.0 if density is None else density,
    budget,
    score,
    scope,
    rules,
    round_to,
    steps,
  )
  _check_one_way(keep, density, settings)
  if density is not None:
    cut = choosing.within_budget(traced, found, variables, settings)
  elif keep is not None:
    wanted = keeping.left_out(traced, found, keep)
    cut = cutting.zeroed(traced, wanted, variables)
  else:
    dead = _spared(cutting.dead(traced, variables, found), found)
    cut = cutting.settled(traced, dead, variables)

  plan = cutting.plan_of(traced, cut.gone, cut.added)
  if keep is not None:
    zeroed = cutting.plan_of(traced, cut.stayed, {}).kept
    plan = plan._replace(zeroed=zeroed)
  if isinstance(apply, cutting.CutApply):
    plan = plan._replace(before=apply.plan)
  return Shrunk(
    cutting.CutApply(apply, plan),
    plan.cut(cut.masked),
    report(traced, found, cut.gone, cut.stayed, plan),
  )


def _check_one_way(
  keep: Any, density: float | None, settings: choosing.Settings
) -> None:
  """Refuses two ways of choosing, and settings of the one that is not taken."""
  if keep is not None and density is not None:
    raise InputError(
      'one of keep and density must be given, got both: leave one out'
    )
  if density is None and settings != _USUAL:
    raise InputError(
      'density must be given where budget, score, scope, rules, round_to or'
      ' steps are, got none: say which part of the budget stays'
    )


def _spared(gone: np.ndarray, found: Sequence[Group]) -> np.ndarray:
  """Without one channel of each group, if all of them are dead."""
  whole = [g.atoms[0] for g in found if np.isin(g.atoms, gone).all()]
  return np.setdiff1d(gone, whole)
