"""Gradual pruning by what a weight is worth, to an exact count."""

import math
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from prunax import tree
from prunax.errors import InputError
from prunax.ops import masks, scores, thresholds
from prunax.schedules.numbers import number, whole
from prunax.transforms import keep, layers
from prunax.transforms.per_leaf import leaf_values

# A score, and what of the gradients it averages.
SCORES: dict[str, tuple[Callable[..., jax.Array], Any]] = {
  'magnitude': (scores.magnitude, None),
  'layer': (scores.by_layer, None),
  'gradient': (scores.gradient, jnp.abs),
  'fisher': (scores.fisher, jnp.square),
}


class Group(NamedTuple):
  """Leaves that are ranked together, and how much of them stays."""

  leaves: tuple[int, ...]
  value: Any

  @property
  def is_count(self) -> bool:
    """Whether the value is a whole number of weights."""
    return _is_count(self.value)


class ScoreState(NamedTuple):
  """What pruning by score remembers.

  Attributes:
    count: steps done.
    mask: which weights are alive, like params.
    average: of what the score needs of the gradients, like params; a zero
      for each leaf where it needs nothing.
    inner: the state of the wrapped optimizer.
  """

  count: Any
  mask: Any
  average: Any
  inner: optax.OptState


def _is_count(value: Any) -> bool:
  return isinstance(value, Integral) and not isinstance(value, bool)


def _check_value(pattern: str, value: Any) -> None:
  if value is None or callable(value):
    return
  if _is_count(value):
    whole(f'the count of the rule {pattern!r}', value)
  elif number(f'the density of the rule {pattern!r}', value, 0) > 1:
    raise InputError(
      f'a density must be at most 1, got {value!r} for the rule {pattern!r}:'
      ' a count must be a whole number'
    )


def groups_of(params: Any, rules: tree.Rules, scope: str) -> list[Group]:
  """What is ranked together: per layer, or all leaves that have one value."""
  found: dict[Any, list[int]] = {}
  for i, (name, value) in enumerate(leaf_values(rules, params)):
    if value is not None and not (_plain(value) and value == 0):
      layer = tree.parent(name) if scope == 'layer' else ''
      found.setdefault((layer, _is_count(value), value), []).append(i)
  return [Group(tuple(i), key[2]) for key, i in found.items()]


def _check_counts(params: Any, groups: list[Group]) -> None:
  """Refuses to keep more weights than there are."""
  leaves, names = jax.tree.leaves(params), tree.leaf_names(params)
  for group in groups:
    size = sum(leaves[i].size for i in group.leaves)
    if group.is_count and group.value > size:
      raise InputError(
        f'a count must be at most the {size} weights of'
        f' {", ".join(names[i] for i in group.leaves)}, got {group.value}:'
        ' give a smaller one, or None'
      )


def _plain(value: Any) -> bool:
  return isinstance(value, Real)


def _wanted(
  group: Group, size: int, count: jax.Array, ramp: optax.Schedule | None
) -> jax.Array:
  """How many weights of a group stay at this step."""
  at = group.value
  if callable(at):
    return masks.kept(at(count), size)
  final = int(at) if group.is_count else round(float(at) * size)
  if ramp is None:
    return jnp.int32(final)
  way = ramp(count)
  fall = math.log(max(final, 1) / size)
  between = jnp.round(size * jnp.exp(fall * way)).astype(jnp.int32)
  return jnp.where(way < 1, jnp.maximum(between, final), final)


def prune_by_score(
  inner: optax.GradientTransformation,
  rules: tree.Rules,
  *,
  score: str = 'fisher',
  every: int = 50,
  scope: str = 'global',
  average: float = 0.999,
  ramp: optax.Schedule | None = None,
) -> optax.GradientTransformationExtraArgs:
  """Prunes the weights that are worth least: goes around an optimizer.

  It sees the raw gradients, of pruned weights too, and hands on those of the
  weights that are alive. Every `every` steps the scheduled number of weights
  stays, those of the largest score; what is gone stays gone.

  >>> params = {'ip': {'kernel': jnp.array([[1.0, -2.0]])}}
  >>> tx = prune_by_score(optax.sgd(0.0), [('.*', 1)], every=1)
  >>> grads = {'ip': {'kernel': jnp.array([[3.0, 1.0]])}}
  >>> updates, state = tx.update(grads, tx.init(params), params)
  >>> optax.apply_updates(params, updates)['ip']['kernel'].tolist()
  [[1.0, 0.0]]

  Args:
    inner: the optimizer.
    rules: ordered path rules whose values are how much stays in the end: a
      whole number of weights, a density, a schedule of it, 0 for leaves that
      are not used at all, or None for those left as they are.
    score: 'magnitude' |w|, 'layer' |w| / rms of the alive in its array,
      'gradient' |w| E|g|, 'fisher' |w| sqrt(E g^2).
    every: steps between two prunings.
    scope: 'global' ranks all leaves together that have one value, 'layer'
      those of each layer.
    average: the decay of the averages over steps.
    ramp: how much of the way from all weights to those that stay is behind,
      from 0 to 1, on a scale of logarithms; None is all of it at once. See
      `prunax.schedules.approach`.
  """
  if score not in SCORES:
    raise InputError(
      f'score must be one of {", ".join(SCORES)}, got {score!r}: name one'
    )
  if scope not in ('layer', 'global'):
    raise InputError(f"scope must be 'layer' or 'global', got {scope!r}")
  whole('every', every, 1)
  if not 0 <= number('average', average) < 1:
    raise InputError(f'average must lie in [0, 1), got {average!r}: mend it')
  for pattern, value in rules:
    _check_value(pattern, value)
  inner = optax.with_extra_args_support(inner)
  rank, part = SCORES[score]

  def init_fn(params: Any) -> ScoreState:
    values = leaf_values(rules, params)
    _check_counts(params, groups_of(params, rules, scope))
    leaves, structure = jax.tree.flatten(params)
    started = jax.tree.leaves(layers.starting_mask_tree(params))
    mask = [
      jnp.zeros_like(m) if _plain(value) and value == 0 else m
      for m, (_, value) in zip(started, values, strict=True)
    ]
    averages = [
      jnp.zeros_like(x, jnp.float32) if part else jnp.zeros(()) for x in leaves
    ]
    return ScoreState(
      count=jnp.zeros((), jnp.int32),
      mask=jax.tree.unflatten(structure, mask),
      average=jax.tree.unflatten(structure, averages),
      inner=inner.init(params),
    )

  def prune(
    mask: Any, weights: Any, averages: Any, iteration: jax.Array
  ) -> Any:
    alive, structure = jax.tree.flatten(mask)
    values, means = jax.tree.leaves(weights), jax.tree.leaves(averages)
    for group in groups_of(weights, rules, scope):
      worth = [
        # Alive is worth more than pruned, whatever the score says.
        jnp.where(
          alive[i], jnp.maximum(rank(values[i], alive[i], means[i]), 1e-37), 0
        )
        for i in group.leaves
      ]
      size = sum(x.size for x in worth)
      stay = _wanted(group, size, iteration, ramp)
      for i, m in zip(
        group.leaves, thresholds.top_masks(worth, stay), strict=True
      ):
        alive[i] = alive[i] & m
    return jax.tree.unflatten(structure, alive)

  def update_fn(
    updates: optax.Updates,
    state: ScoreState,
    params: Any = None,
    **extra_args: Any,
  ) -> tuple[optax.Updates, ScoreState]:
    layers.need_params(params, 'prune_by_score')
    iteration = optax.safe_increment(state.count)
    averages = state.average
    if part:
      averages = jax.tree.map(
        lambda a, g: average * a + (1 - average) * part(g.astype(a.dtype)),
        averages,
        updates,
      )
    masked = jax.tree.map(lambda m, g: jnp.where(m, g, 0), state.mask, updates)
    steps, inner_state = inner.update(masked, state.inner, params, **extra_args)
    mask = jax.lax.cond(
      iteration % every == 0,
      lambda: prune(
        state.mask, optax.apply_updates(params, steps), averages, iteration
      ),
      lambda: state.mask,
    )
    return keep.masked_updates(mask, steps, params), ScoreState(
      iteration, mask, averages, inner_state
    )

  return optax.GradientTransformationExtraArgs(init_fn, update_fn)
