"""Filters that are zeroed again and again while a network trains."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from prunax import tree
from prunax.errors import InputError
from prunax.ops import filters
from prunax.schedules.numbers import whole
from prunax.transforms import groups, keep, layers
from prunax.transforms.per_leaf import weight_values
from prunax.transforms.placing import placed_by_compiler

SCORES = {'l2': filters.norms, 'fpgm': filters.distances}


class SoftState(NamedTuple):
  """What soft pruning remembers.

  Attributes:
    count: steps done.
    started: which weights were alive at first; others stay zero.
    mask: which are not zero after the last step, like params.
  """

  count: Any
  started: Any
  mask: Any


def _counts(rules: tree.Rules, params: Any) -> list[int | None]:
  """How many filters of each leaf stay, None for leaves that are left alone."""
  found: list[int | None] = []
  leaves = jax.tree.leaves(params)
  for (name, value), x in zip(
    weight_values(rules, params), leaves, strict=True
  ):
    if value is None:
      found.append(None)
      continue
    if jnp.ndim(x) < 2:
      raise InputError(
        f'soft_filters must have kernels, got {name!r} of the shape'
        f' {jnp.shape(x)}: give it None by a rule'
      )
    n = jnp.shape(x)[-1]
    if groups.Group((), value).is_count:
      if not 1 <= value <= n:
        raise InputError(
          f'a count must be from 1 to the {n} filters of {name!r}, got {value}:'
          ' mend the rule'
        )
      found.append(int(value))
    else:
      found.append(max(1, round(value * n)))
  return found


def soft_filters(
  rules: tree.Rules,
  *,
  every: int,
  score: str = 'l2',
  revive: bool = True,
) -> optax.GradientTransformation:
  """Zeroes whole filters every so many steps: comes last in a chain.

  Soft filter pruning of He et al. (2018): at the first step and every `every`
  steps the filters of a kernel that are worth least are zeroed, and between
  two such steps they train on and may come back. Filter pruning via geometric
  median (He et al. 2019) takes the score 'fpgm', and `revive` is False there:
  what was zeroed waits as it is. What is zero at first, as `keep_zeros` sees
  it, stays so.

  >>> tx = optax.chain(optax.sgd(0.0), soft_filters([('.*', 0.5)], every=2))
  >>> params = {'ip': {'kernel': jnp.array([[1.0, -0.1]])}}
  >>> updates, state = tx.update(params, tx.init(params), params)
  >>> optax.apply_updates(params, updates)['ip']['kernel'].tolist()
  [[1.0, 0.0]]

  Args:
    rules: ordered path rules whose values are how many filters of a kernel
      stay, a whole number or a density, or None to leave a leaf alone; the
      last axis is that of the filters.
    every: steps between two zeroings.
    score: 'l2', the norm, or 'fpgm', the distance from all others.
    revive: whether what was zeroed trains on.
  """
  rules = groups.plain_rules(rules)
  whole('every', every, 1)
  if score not in SCORES:
    raise InputError(
      f'score must be one of {", ".join(SCORES)}, got {score!r}: name one'
    )
  for pattern, value in rules:
    groups.check_value(pattern, value)
    if callable(value) or groups.is_nothing(value):
      raise InputError(
        'soft_filters must keep a filter at least, of a number or a density'
        f' that stands still, got {value!r} for the rule {pattern!r}: mend it'
      )
  worth = SCORES[score]

  def init_fn(params: Any) -> SoftState:
    _counts(rules, params)
    started = layers.starting_mask_tree(params)
    # A copy, since the compiled step consumes each buffer of a state once.
    mask = jax.tree.map(jnp.copy, started)
    return SoftState(jnp.zeros((), jnp.int32), started, mask)

  def left(mask: jax.Array, weights: jax.Array, count: int) -> jax.Array:
    return mask & filters.best(worth(jnp.where(mask, weights, 0)), count)

  def drawn(started: Any, weights: Any) -> Any:
    masks, structure = jax.tree.flatten(started)
    values, counts = jax.tree.leaves(weights), _counts(rules, weights)
    new = [
      m
      if n is None
      else placed_by_compiler(functools.partial(left, count=n), m, w)
      for m, w, n in zip(masks, values, counts, strict=True)
    ]
    return jax.tree.unflatten(structure, new)

  def update_fn(
    updates: optax.Updates, state: SoftState, params: Any = None
  ) -> tuple[optax.Updates, SoftState]:
    layers.need_params(params, 'soft_filters')
    iteration = optax.safe_increment(state.count)
    mask = jax.lax.cond(
      (iteration % every == 0) | (iteration == 1),
      lambda: drawn(state.started, optax.apply_updates(params, updates)),
      lambda: state.started if revive else state.mask,
    )
    new_updates = keep.masked_updates(mask, updates, params)
    return new_updates, SoftState(iteration, state.started, mask)

  return optax.GradientTransformation(init_fn, update_fn)
