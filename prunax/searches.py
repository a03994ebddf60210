"""Between two training steps: a search for the thresholds of surgery."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from prunax import search, transforms, tree
from prunax.errors import InputError
from prunax.ops import masks
from prunax.schedules.numbers import number, whole
from prunax.search import thresholds
from prunax.train import Hook

# Params and data -> the share of right answers, to be traced.
Accuracy = Callable[..., jax.Array]
Sigma = float | Sequence[tuple[int, float]] | None


@dataclasses.dataclass(frozen=True)
class Settings:
  """When and how thresholds are searched.

  Attributes:
    every: steps from one search to the next.
    first: the step before which the first one is.
    until: no search from this step on; None is the rules' last iter_stop.
    delta: how much accuracy a search may cost, a fraction.
    search: 'ncs', 'random' or 'cma_es'.
    popsize: candidates in a generation.
    generations: generations in a search.
    restarts: searches one after the other, of which the best counts.
    sigma: the first step size, or pairs of a step and what holds from then;
      None is the search's own.
    upper: the largest c_rate; the least is `lower`.
    lower: the least c_rate.
    layers: 'all', or 'drawn' for those whose masks the method drew before
      this step, of which there must be two.
    reference: 'start', the stage's starting weights, or 'current', those
      that are being trained.
    allow_empty: whether a layer may lose its last weight.
    compat: the released code's stateful candidates; see
      `search.thresholds.Plan`.
  """

  every: int
  first: int = 0
  until: int | None = None
  delta: float = 0.01
  search: str = 'ncs'
  popsize: int = 10
  generations: int = 16
  restarts: int = 1
  sigma: Sigma = 0.5
  lower: float = 0.0
  upper: float = 10.0
  layers: str = 'all'
  reference: str = 'start'
  allow_empty: bool = False
  compat: bool = False

  def __post_init__(self) -> None:
    whole('every', self.every, 1)
    whole('first', self.first)
    if number('delta', self.delta, 0) > 1:
      raise InputError(
        f'delta must be a fraction from 0 to 1, got {self.delta:g}: 0.01 is one'
        ' error more in a hundred'
      )
    for name, known in (
      ('layers', ('all', 'drawn')),
      ('reference', ('start', 'current')),
    ):
      if getattr(self, name) not in known:
        raise InputError(
          f'{name} must be {" or ".join(known)}, got {getattr(self, name)!r}:'
          ' name one of them'
        )
    search.get(self.search)


def settings(given: Mapping[str, Any]) -> Settings:
  """The settings that a config or a call names.

  >>> settings({'every': 100, 'delta': 0.02}).search
  'ncs'
  """
  known = [field.name for field in dataclasses.fields(Settings)]
  unknown = [name for name in given if name not in known]
  if unknown or 'every' not in given:
    raise InputError(
      "a search must have the setting 'every' and may have"
      f' {", ".join(known[1:])}, got {", ".join(given) or "none"}: add what is'
      ' missing and remove the rest'
    )
  return Settings(**given)


def sigma_at(sigma: Sigma, step: int) -> float | None:
  """The step size of a search before this step.

  >>> sigma_at([(0, 5.0), (10_000, 0.5)], 9_999)
  5.0
  """
  if sigma is None or isinstance(sigma, (int, float)):
    return sigma
  held = [value for since, value in sigma if since <= step]
  if not held:
    raise InputError(
      f'sigma must begin at the first search, before step {step}, got'
      f' {list(sigma)}: add a pair for it'
    )
  return held[-1]


def sentence(record: Mapping[str, Any]) -> str:
  """What the log says of a search."""
  step, ratio = record['step'], record['ratio']
  if not record['evaluations']:
    return f'no search before step {step}: fewer than two layers were drawn'
  if not record['feasible']:
    return (
      f'the search before step {step} must stay within {record["delta"]:g} of'
      f' the accuracy {record["reference"]:.4f}, and the best found loses'
      f' {record["nearest_delta"]:.4f} at {ratio:.1f}x: the masks stay; allow'
      f' a delta of {record["nearest_delta"]:.4f} or train longer between'
      ' searches'
    )
  return (
    f'the search before step {step} found compression {ratio:.1f}x at accuracy'
    f' {record["accuracy"]:.4f} (at least {record["floor"]:.4f})'
  )


def searching_hook(
  params: Any,
  rules: tree.Rules,
  key: jax.Array,
  accuracy: Accuracy,
  data_at: Callable[[int], tuple[Any, ...]],
  wanted: Settings,
  *,
  prune_bias: bool = True,
  band: tuple[float, float] = (0.9, 1.1),
) -> Hook:
  """A hook for a training by `dns`, which then finds its own thresholds.

  Args:
    params: the weights at the start, the reference of the constraint.
    rules: those of `dns`.
    key: that of `dns`; searches draw from another stream of it.
    accuracy: (params, *data) -> the share of right answers, to be traced.
    data_at: what the constraint is judged on before a step.
    wanted: when and how.
    prune_bias: as in `dns`.
    band: as in `dns`.
  """
  movable = transforms.movable(params, rules, prune_bias)
  structure = jax.tree.structure(params)
  plan = thresholds.Plan(
    layers=movable.leaves,
    lower=wanted.lower,
    upper=wanted.upper,
    popsize=wanted.popsize,
    generations=wanted.generations,
    restarts=wanted.restarts,
    band=band,
    allow_empty=wanted.allow_empty,
    compat=wanted.compat,
  )
  searcher = search.get(wanted.search)
  search_key = jax.random.fold_in(key, 1)
  measured = jax.jit(accuracy)
  start = jax.tree.map(lambda x: jnp.array(x, copy=True), params)
  until = wanted.until
  if until is None:
    until = max(x.value.iter_stop for x in movable.plan)

  @jax.jit
  def run(
    state: transforms.DNSState,
    data: tuple[Any, ...],
    floor: jax.Array,
    searched: jax.Array,
    key: jax.Array,
    more: dict[str, Any],
  ) -> tuple[transforms.DNSState, Any, thresholds.Found]:
    moments = [state.moments[name] for name in movable.names]
    dense = jax.tree.leaves(state.dense)
    found = thresholds.search(
      searcher,
      more,
      lambda leaves: accuracy(jax.tree.unflatten(structure, leaves), *data),
      thresholds.Subject(
        dense=dense,
        mask=jax.tree.leaves(state.mask),
        mean=jnp.stack([mean for mean, _ in moments]),
        std=jnp.stack([std for _, std in moments]),
        c_rate=jnp.stack([state.c_rate[name] for name in movable.names]),
        searched=searched,
      ),
      floor,
      key,
      plan,
    )
    leaves = [
      jnp.where(m, x, 0) for m, x in zip(found.mask, dense, strict=True)
    ]
    state = transforms.moved(state, movable, found.c_rate, found.mask)
    return state, jax.tree.unflatten(structure, leaves), found

  def act(
    step: int, params: Any, opt_state: Any
  ) -> tuple[Any, Any, dict[str, Any]]:
    state, data = transforms.find(opt_state), data_at(step)
    searched = jnp.ones(len(movable.names), bool)
    if wanted.layers == 'drawn':
      searched = transforms.due_now(state, movable, key)
    if wanted.layers == 'drawn' and jnp.sum(searched) < 2:
      return params, opt_state, _record(params, plan, 0)
    judged = start if wanted.reference == 'start' else params
    reference = measured(judged, *data)
    width = sigma_at(wanted.sigma, step)
    state, params, found = run(
      state,
      data,
      reference - wanted.delta,
      searched,
      jax.random.fold_in(search_key, step),
      {} if width is None else {'sigma': width},
    )
    said = _record(params, plan, plan.evaluations) | _found(
      found, state, movable.names, float(reference), wanted.delta
    )
    return params, transforms.replace_state(opt_state, lambda _: state), said

  return Hook(wanted.first, wanted.every, until, act, sentence)


def _record(
  params: Any, plan: thresholds.Plan, evaluations: int
) -> dict[str, Any]:
  """How many times fewer entries of the ruled layers are alive."""
  leaves = jax.tree.leaves(params)
  ruled = [leaves[i] for places in plan.layers for i in places]
  alive = sum(int(jnp.sum(x != 0)) for x in ruled)
  size = sum(x.size for x in ruled)
  return {
    'ratio': size / max(alive, 1),
    'alive': alive,
    'evaluations': evaluations,
  }


def _found(
  found: thresholds.Found,
  state: transforms.DNSState,
  names: Sequence[str],
  reference: float,
  delta: float,
) -> dict[str, Any]:
  """A search as plain numbers."""
  accuracy = float(found.accuracy)
  rates = {name: float(state.c_rate[name]) for name in names}
  said = {
    'feasible': bool(found.feasible),
    'accuracy': accuracy,
    'reference': reference,
    'floor': reference - delta,
    'delta': delta,
    'threshold': {
      name: float(masks.threshold(*state.moments[name], rate))
      for name, rate in rates.items()
    },
    'c_rate': rates,
  }
  if not said['feasible']:
    said['nearest_delta'] = reference - accuracy
  return said
