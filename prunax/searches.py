"""Between two training steps: a search for the thresholds of surgery."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from prunax import averages, findings, olmp_inputs, search, transforms, tree
from prunax.errors import InputError
from prunax.hooks import Hook
from prunax.search import thresholds
from prunax.search.candidates import Plan, Subject
from prunax.search.settings import Settings, sigma_at

# Params and data -> the share of right answers, to be traced.
Accuracy = Callable[..., jax.Array]

# No step folds the key of `dns` with this: searches have a stream of their own.
_SEARCHES = 2**31 - 1


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
  olmp_inputs.check_params(params)
  movable = transforms.movable(params, rules, prune_bias)
  plan = _plan(movable, wanted, band)
  searcher = search.get(wanted.search)
  search_key = jax.random.fold_in(key, _SEARCHES)
  start = jax.tree.map(lambda x: jnp.array(x, copy=True), params)
  until = _until(movable, wanted)
  _rehearse(searcher, wanted, accuracy, params, data_at(wanted.first), movable)
  measured = jax.jit(accuracy)
  run = _compiled(searcher, accuracy, movable, plan)

  def act(
    step: int, params: Any, opt_state: Any
  ) -> tuple[Any, Any, dict[str, Any]]:
    state, data = transforms.find(opt_state), data_at(step)
    # Those that candidates are judged with are the model's, which train.
    state = state._replace(dense=averages.replaced(state.dense, params))
    searched = jnp.ones(len(movable.names), bool)
    if wanted.layers == 'drawn':
      searched = transforms.due_now(state, movable, key)
    if wanted.layers == 'drawn' and jnp.sum(searched) < 2:
      return params, opt_state, findings.skipped(params, movable.names, plan)
    from_start = wanted.reference == 'start'
    reference = olmp_inputs.share(
      f'the accuracy of the {"starting" if from_start else "current"} weights',
      measured(start if from_start else params, *data),
      findings.SLACK,
    )
    state, params, found = run(
      state,
      data,
      jnp.float32(reference - wanted.delta - findings.SLACK),
      searched,
      jax.random.fold_in(search_key, step),
      _sigma(wanted, step // iter_size),
    )
    said = findings.searched(
      found, state, params, movable.names, reference, wanted, plan
    )
    return params, transforms.replace_state(opt_state, lambda _: state), said

  return Hook(
    wanted.first * iter_size,
    wanted.every * iter_size,
    until * iter_size,
    act,
    findings.sentence,
  )


def _plan(
  movable: transforms.Movable, wanted: Settings, band: tuple[float, float]
) -> Plan:
  """What all searches have in common."""
  return Plan(
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


def _sigma(wanted: Settings, update: int) -> dict[str, float]:
  """The searcher's first step size as an argument, if one is wanted."""
  width = sigma_at(wanted.sigma, update)
  return {} if width is None else {'sigma': width}


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
  searcher.init(
    jax.random.key(0),
    jnp.zeros(len(movable.names)),
    wanted.lower,
    wanted.upper,
    popsize=wanted.popsize,
    generations=wanted.generations,
    **_sigma(wanted, wanted.first),
  )
  olmp_inputs.check_accuracy(accuracy, params, data)


def _compiled(
  searcher: search.Searcher,
  accuracy: Accuracy,
  movable: transforms.Movable,
  plan: Plan,
) -> Callable[..., tuple[transforms.DNSState, Any, thresholds.Found]]:
  """A whole search as one compiled call.

  Returns:
    A function of the state of `dns`, the data, the least accuracy, which
    layers are searched, a key and more arguments of the searcher's `init`; it
    gives the next state, the weights under its masks, and what was found.
  """

  @jax.jit
  def run(
    state: transforms.DNSState,
    data: tuple[Any, ...],
    floor: jax.Array,
    searched: jax.Array,
    key: jax.Array,
    more: dict[str, Any],
  ) -> tuple[transforms.DNSState, Any, thresholds.Found]:
    dense, structure = jax.tree.flatten(state.dense)
    found = thresholds.search(
      searcher,
      more,
      lambda leaves: accuracy(jax.tree.unflatten(structure, leaves), *data),
      _subject(state, movable, searched),
      floor,
      key,
      plan,
    )
    leaves = [
      jnp.where(m, x, 0) for m, x in zip(found.mask, dense, strict=True)
    ]
    state = transforms.moved(state, movable, found.c_rate, found.mask)
    return state, jax.tree.unflatten(structure, leaves), found

  return run


def _subject(
  state: transforms.DNSState, movable: transforms.Movable, searched: jax.Array
) -> Subject:
  """What the state of `dns` gives to search over."""
  moments = [state.moments[name] for name in movable.names]
  return Subject(
    dense=jax.tree.leaves(state.dense),
    mask=jax.tree.leaves(state.mask),
    mean=jnp.stack([mean for mean, _ in moments]),
    std=jnp.stack([std for _, std in moments]),
    c_rate=jnp.stack([state.c_rate[name] for name in movable.names]),
    searched=searched,
  )
