"""Surgery seen from outside: its thresholds, and masks drawn by new ones."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from prunax import tree
from prunax.errors import InputError
from prunax.transforms import layers, surgery
from prunax.transforms.dns import DNSState, plan_of
from prunax.transforms.due import due_layers


class Movable(NamedTuple):
  """The layers whose thresholds may be moved, in the order of the leaves.

  Attributes:
    plan: all ruled layers.
    names: of the movable ones.
    leaves: for each of them the places of its pruned leaves.
  """

  plan: tuple[layers.Layer, ...]
  names: tuple[str, ...]
  leaves: tuple[tuple[int, ...], ...]


def movable(params: Any, rules: tree.Rules, prune_bias: bool = True) -> Movable:
  """What of a tree under the rules of `dns` has a c_rate to move."""
  ruled = [x for x in plan_of(params, rules) if x.value is not None]
  flat = jax.tree.leaves(params)
  pruned = {
    x.name: tuple(i for i in x.leaves if prune_bias or tree.is_kernel(flat[i]))
    for x in ruled
  }
  found = [x for x in ruled if _moves(x.value) and pruned[x.name]]
  if not found:
    raise InputError(
      'a search of thresholds must have a layer with a c_rate and an iter_stop'
      " above 0, got rules without any: give [('.*', Surgery())], say"
    )
  names = tuple(x.name for x in found)
  return Movable(tuple(ruled), names, tuple(pruned[name] for name in names))


def _moves(rule: Any) -> bool:
  """Whether a c_rate decides the layer, and is ever used."""
  stop = rule.iter_stop
  return surgery.has_c_rate(rule) and (stop is None or stop > 0)


def stopped(rules: tree.Rules, until: int) -> tree.Rules:
  """The rules with another iter_stop, which a None or a negative one keeps.

  >>> stopped([('.*', surgery.Surgery(iter_stop=7))], 9)[0][1].iter_stop
  9
  """
  found = []
  for pattern, value in rules:
    rule = surgery.layer_rule(value)
    if rule is not None and not (rule.iter_stop or 0) < 0:
      rule = dataclasses.replace(rule, iter_stop=until)
    found.append((pattern, rule))
  return found


def due_now(state: DNSState, movable: Movable, key: Any) -> jax.Array:
  """Which movable layers the method itself drew at this count, bool [n].

  Args:
    state: of `dns`.
    movable: its layers.
    key: that `dns` was made with, for its kind alone.
  """
  ruled = list(movable.plan)
  draws = jax.random.wrap_key_data(state.key, impl=jax.random.key_impl(key))
  due = due_layers(ruled, draws, state.count, None, None)
  names = [x.name for x in ruled]
  return jnp.stack([due[names.index(name)] for name in movable.names])


def moved(
  state: DNSState,
  movable: Movable,
  c_rate: jax.Array,
  mask: Sequence[jax.Array],
) -> DNSState:
  """The state with other thresholds, and the masks drawn by them.

  Args:
    state: of `dns`.
    movable: its layers.
    c_rate: [n] new ones.
    mask: a list of masks of all leaves.
  """
  old, structure = jax.tree.flatten(state.mask)
  spliced = jax.tree.leaves(state.spliced)
  for places in movable.leaves:
    for i in places:
      came_back = (mask[i] & ~old[i]).astype(spliced[i].dtype)
      spliced[i] = spliced[i] + came_back
  rates = dict(zip(movable.names, jnp.asarray(c_rate), strict=True))
  return state._replace(
    c_rate=state.c_rate | rates,
    spliced=jax.tree.unflatten(structure, spliced),
    mask=jax.tree.unflatten(structure, list(mask)),
  )


def find(opt_state: Any) -> DNSState:
  """The state of `dns` in the state of any chain or wrapper around it."""
  found = [
    x for x in jax.tree.leaves(opt_state, is_leaf=_is_state) if _is_state(x)
  ]
  if len(found) != 1:
    raise InputError(
      f'the optimizer must hold one state of dns, got {len(found)}: build it'
      ' with prunax.dns'
    )
  return found[0]


def replace(opt_state: Any, change: Callable[[DNSState], DNSState]) -> Any:
  """The optimizer's state with that of `dns` changed."""
  return jax.tree.map(
    lambda x: change(x) if _is_state(x) else x, opt_state, is_leaf=_is_state
  )


def _is_state(x: Any) -> bool:
  return isinstance(x, DNSState)
