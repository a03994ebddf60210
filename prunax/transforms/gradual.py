"""Gradual magnitude pruning."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from prunax import tree
from prunax.errors import InputError
from prunax.ops import masks
from prunax.transforms import keep, layers

Density = float | Callable[[jax.Array], jax.Array]


class GradualState(NamedTuple):
  """Steps done, and which weights are alive."""

  count: Any
  mask: Any


def _check(rules: tree.Rules, every: int, scope: str) -> None:
  if every < 1:
    raise InputError(f'every must be at least 1 step, got {every}')
  if scope not in ('layer', 'global'):
    raise InputError(f"scope must be 'layer' or 'global', got {scope!r}")
  for pattern, value in rules:
    if not (value is None or callable(value) or 0 < value <= 1):
      raise InputError(
        f'a density must be above 0 and at most 1, got {value!r} for the rule'
        f' {pattern!r}'
      )


def _groups(params: Any, rules: tree.Rules, scope: str) -> list[layers.Layer]:
  """What is ranked together, and by which density."""
  found = [x for x in layers.layers_of(params, rules) if x.value is not None]
  if scope == 'layer' or not found:
    return found
  if any(x.value != found[0].value for x in found):
    raise InputError(
      "scope='global' must have one density for all layers, got several in"
      ' the rules: give them one, or use scope="layer"'
    )
  places = tuple(i for x in found for i in x.leaves)
  return [layers.Layer('all', places, found[0].value)]


def _pruned(
  mask: Any, weights: Any, groups: list[layers.Layer], iteration: jax.Array
) -> Any:
  """The masks of what is left of each group by its density."""
  alive, values = jax.tree.leaves(mask), jax.tree.leaves(weights)
  for group in groups:
    at = group.value
    density = at(iteration) if callable(at) else at
    before = group.pick(alive)
    standing = [
      jnp.where(m, x, 0)
      for m, x in zip(before, group.pick(values), strict=True)
    ]
    drawn = masks.global_magnitude(standing, density)
    for i, old, new in zip(group.leaves, before, drawn, strict=True):
      alive[i] = old & new
  return jax.tree.unflatten(jax.tree.structure(mask), alive)


def gradual(
  rules: tree.Rules, *, every: int = 100, scope: str = 'layer'
) -> optax.GradientTransformation:
  """Prunes by magnitude along a density schedule: comes last in a chain.

  Zhu and Gupta (2017): every `every` steps the smallest weights go, until the
  scheduled density is left; what is gone stays gone.

  >>> tx = optax.chain(optax.sgd(0.0), gradual([('.*', 0.5)], every=1))
  >>> params = {'ip': {'kernel': jnp.array([[1.0, -0.1]])}}
  >>> state = tx.init(params)
  >>> updates, state = tx.update(params, state, params)
  >>> optax.apply_updates(params, updates)['ip']['kernel'].tolist()
  [[1.0, 0.0]]

  Args:
    rules: ordered path rules whose values are a density, a schedule of it
      (see `prunax.schedules.density_ramp`), or None to leave as it is.
    every: steps between two prunings.
    scope: 'layer' gives each layer its density; 'global' ranks the weights
      of all ruled layers together and needs one density for all.
  """
  _check(rules, every, scope)

  def init_fn(params: Any) -> GradualState:
    layers.layers_of(params, rules)
    mask = layers.starting_mask_tree(params)
    return GradualState(jnp.zeros((), jnp.int32), mask)

  def update_fn(
    updates: optax.Updates, state: GradualState, params: Any = None
  ) -> tuple[optax.Updates, GradualState]:
    layers.need_params(params, 'gradual')
    iteration = optax.safe_increment(state.count)
    groups = _groups(params, rules, scope)
    mask = jax.lax.cond(
      iteration % every == 0,
      lambda: _pruned(
        state.mask, optax.apply_updates(params, updates), groups, iteration
      ),
      lambda: state.mask,
    )
    new_updates = keep.masked_updates(mask, updates, params)
    return new_updates, GradualState(iteration, mask)

  return optax.GradientTransformation(init_fn, update_fn)
