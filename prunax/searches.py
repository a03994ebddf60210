"""Between two training steps: a search for the thresholds of surgery."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from prunax import search, transforms, tree
from prunax.errors import InputError
from prunax.hooks import Hook
from prunax.ops import masks
from prunax.search import candidates, thresholds
from prunax.search.settings import Settings, sigma_at

# Params and data -> the share of right answers, to be traced.
Accuracy = Callable[..., jax.Array]

# No step folds the key of `dns` with this: searches have a stream of their own.
_SEARCHES = 2**31 - 1
# Less than one answer, more than float32 rounds an accuracy by.
_SLACK = 1e-6


def sentence(record: Mapping[str, Any]) -> str:
  """What the log says of a search."""
  step, ratio = record['step'], record['ratio']
  if not record['evaluations']:
    return f'no search before step {step}: fewer than two layers were drawn'
  if record['feasible']:
    return (
      f'the search before step {step} found compression {ratio:.1f}x at'
      f' accuracy {record["accuracy"]:.4f} (at least {record["floor"]:.4f})'
    )
  nearest = record['nearest']
  then = (
    'its masks are taken as in the release'
    if record['redrawn']
    else f'the masks stay at {ratio:.1f}x'
  )
  found = (
    f'the search before step {step} must stay within {record["delta"]:g} of the'
    f' accuracy {record["reference"]:.4f}, and the best found, at'
    f' {nearest["ratio"]:.1f}x,'
  )
  if nearest['emptied']:
    return f'{found} empties a layer: {then}; lower `upper`, or allow_empty'
  # Rounded up, so that what is advised is enough.
  enough = math.ceil(1e4 * nearest['delta']) / 1e4
  return (
    f'{found} loses {nearest["delta"]:.4f}: {then}; a delta of {enough:.4f}'
    ' would let it pass, or more training between searches'
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
  iter_size: int = 1,
) -> Hook:
  """A hook for a training by `dns`, which then finds its own thresholds.

  Args:
    params: the weights at the start, the reference of the constraint.
    rules: those of `dns`.
    key: that of `dns`; searches draw from another stream of it.
    accuracy: (params, *data) -> the share of right answers, to be traced.
    data_at: what the constraint is judged on before a step.
    wanted: when and how, in updates.
    prune_bias: as in `dns`.
    band: as in `dns`.
    iter_size: steps of the training in one update.
  """
  movable = transforms.movable(params, rules, prune_bias)
  structure = jax.tree.structure(params)
  plan = candidates.Plan(
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
  search_key = jax.random.fold_in(key, _SEARCHES)
  measured = jax.jit(accuracy)
  start = jax.tree.map(lambda x: jnp.array(x, copy=True), params)
  until = _until(movable, wanted)
  _rehearse(searcher, wanted, accuracy, params, data_at(wanted.first), movable)

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
      candidates.Subject(
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
    reference = float(measured(judged, *data))
    if not math.isfinite(reference):
      raise InputError(
        f'the accuracy before step {step} must be finite, got {reference}:'
        ' start from weights that have none'
      )
    width = sigma_at(wanted.sigma, step // iter_size)
    state, params, found = run(
      state,
      data,
      jnp.float32(reference - wanted.delta - _SLACK),
      searched,
      jax.random.fold_in(search_key, step),
      {} if width is None else {'sigma': width},
    )
    said = _record(params, plan, plan.evaluations)
    said |= _found(found, state, movable.names, reference, wanted)
    if not said['feasible']:
      said |= _nearest(found, plan, params, movable.names, reference)
    return params, transforms.replace_state(opt_state, lambda _: state), said

  return Hook(
    wanted.first * iter_size,
    wanted.every * iter_size,
    until * iter_size,
    act,
    sentence,
  )


def _until(movable: transforms.Movable, wanted: Settings) -> int:
  """The update from which on there is no search."""
  stops = [x.value.iter_stop for x in movable.plan]
  until = wanted.until
  if until is None:
    if any(stop is None for stop in stops):
      raise InputError(
        'a search must end: give `until`, or an iter_stop to every rule'
      )
    until = max(stops)
  if wanted.first >= until:
    raise InputError(
      f'the first search must come before the end of searching, got first'
      f' {wanted.first} and until {until}: mend them'
    )
  return until


def _rehearse(
  searcher: search.Searcher,
  wanted: Settings,
  accuracy: Accuracy,
  params: Any,
  data: tuple[Any, ...],
  movable: transforms.Movable,
) -> None:
  """Refuses what would fail at the first search, maybe hours later."""
  sigma = sigma_at(wanted.sigma, wanted.first)
  more = {} if sigma is None else {'sigma': sigma}
  searcher.init(
    jax.random.key(0),
    jnp.zeros(len(movable.names)),
    wanted.lower,
    wanted.upper,
    popsize=wanted.popsize,
    generations=wanted.generations,
    **more,
  )
  found = jax.eval_shape(accuracy, params, *data)
  if getattr(found, 'shape', None) != ():
    raise InputError(
      'accuracy must give one number, the share of right answers, got'
      f' {found}: take the mean'
    )


def _size(params: Any, plan: candidates.Plan) -> int:
  leaves = jax.tree.leaves(params)
  return sum(leaves[i].size for places in plan.layers for i in places)


def _record(
  params: Any, plan: candidates.Plan, evaluations: int
) -> dict[str, Any]:
  """How many times fewer entries of the ruled layers are alive."""
  leaves = jax.tree.leaves(params)
  alive = sum(
    int(jnp.sum(leaves[i] != 0)) for places in plan.layers for i in places
  )
  return {
    'ratio': _size(params, plan) / max(alive, 1),
    'alive': alive,
    'evaluations': evaluations,
  }


def _found(
  found: thresholds.Found,
  state: transforms.DNSState,
  names: Sequence[str],
  reference: float,
  wanted: Settings,
) -> dict[str, Any]:
  """A search as plain numbers: the thresholds are those from now on."""
  rates = {name: float(state.c_rate[name]) for name in names}
  return {
    'feasible': bool(found.best.feasible),
    'accuracy': float(found.best.accuracy),
    'reference': reference,
    'floor': reference - wanted.delta,
    'delta': wanted.delta,
    'redrawn': bool(found.best.feasible) or wanted.compat,
    'threshold': {
      name: float(masks.threshold(*state.moments[name], rate))
      for name, rate in rates.items()
    },
    'c_rate': rates,
  }


def _nearest(
  found: thresholds.Found,
  plan: candidates.Plan,
  params: Any,
  names: Sequence[str],
  reference: float,
) -> dict[str, Any]:
  """The best candidate of a search that found nothing feasible."""
  return {
    'nearest': {
      'ratio': _size(params, plan) / max(int(found.best.alive), 1),
      'delta': reference - float(found.best.accuracy),
      'emptied': bool(found.best.emptied),
      'c_rate': dict(zip(names, map(float, found.nearest), strict=True)),
    }
  }
