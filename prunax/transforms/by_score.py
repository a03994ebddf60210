"""Gradual pruning by what a weight is worth, to an exact count."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from prunax import tree
from prunax.errors import InputError
from prunax.ops import scores, thresholds
from prunax.schedules.numbers import number, whole
from prunax.transforms import groups, keep, layers
from prunax.transforms.per_leaf import weight_values

# A score, and what of the gradients it averages.
SCORES: dict[str, tuple[Callable[..., jax.Array], Any]] = {
  'magnitude': (scores.magnitude, None),
  'layer': (scores.by_layer, None),
  'gradient': (scores.gradient, jnp.abs),
  'fisher': (scores.fisher, jnp.square),
}


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


def _check(
  rules: tree.Rules,
  score: str,
  every: int,
  scope: str,
  average: float,
  ramp: Any,
) -> None:
  if score not in SCORES:
    raise InputError(
      f'score must be one of {", ".join(SCORES)}, got {score!r}: name one'
    )
  if scope not in ('layer', 'global'):
    raise InputError(f"scope must be 'layer' or 'global', got {scope!r}")
  whole('every', every, 1)
  if not 0 <= number('average', average) < 1:
    raise InputError(f'average must lie in [0, 1), got {average!r}: mend it')
  if ramp is not None and not callable(ramp):
    raise InputError(
      f'ramp must be a schedule or None, got {ramp!r}: give'
      ' prunax.schedules.approach(begin, end), say'
    )
  for pattern, value in rules:
    groups.check_value(pattern, value)


def _starting_mask(params: Any, rules: tree.Rules) -> Any:
  """What is alive at first: nothing where a rule says 0."""
  started, structure = jax.tree.flatten(layers.starting_mask_tree(params))
  values = weight_values(rules, params)
  mask = [
    jnp.zeros_like(m) if groups.is_nothing(value) else m
    for m, (_, value) in zip(started, values, strict=True)
  ]
  return jax.tree.unflatten(structure, mask)


def _pruned(
  mask: Any,
  weights: Any,
  averages: Any,
  ranked: list[groups.Group],
  score: Callable[..., jax.Array],
  iteration: jax.Array,
  ramp: optax.Schedule | None,
) -> Any:
  """The masks of what is worth most in each group."""
  alive, structure = jax.tree.flatten(mask)
  values, means = jax.tree.leaves(weights), jax.tree.leaves(averages)
  for group in ranked:
    worth = [
      # Alive is worth more than pruned, whatever the score says.
      jnp.where(
        alive[i], jnp.maximum(score(values[i], alive[i], means[i]), 1e-37), 0
      )
      for i in group.leaves
    ]
    size = sum(x.size for x in worth)
    stay = groups.wanted(group, size, iteration, ramp)
    best = thresholds.top_masks(worth, stay)
    for i, m in zip(group.leaves, best, strict=True):
      alive[i] = alive[i] & m
  return jax.tree.unflatten(structure, alive)


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
  stays, those of the largest score; what is gone stays gone. The leaves of one
  rule share its number, and two rules have one each, even if they say the same.

  >>> params = {'ip': {'kernel': jnp.array([[1.0, -2.0]])}}
  >>> tx = prune_by_score(optax.sgd(0.0), [('.*', 1)], every=1)
  >>> grads = {'ip': {'kernel': jnp.array([[3.0, 1.0]])}}
  >>> updates, state = tx.update(grads, tx.init(params), params)
  >>> optax.apply_updates(params, updates)['ip']['kernel'].tolist()
  [[1.0, 0.0]]

  Args:
    inner: the optimizer.
    rules: ordered path rules whose values are how much stays in the end: a
      whole number of weights, a density, of which at least one weight stays,
      a schedule of it, 0 for leaves that are not used at all, or None for
      those left as they are.
    score: 'magnitude' |w|, 'layer' |w| / rms of the alive in its array,
      'gradient' |w| E|g|, 'fisher' |w| sqrt(E g^2).
    every: steps between two prunings.
    scope: 'global' ranks the leaves of each rule together, 'layer' those of
      each rule in each layer, which then has that number of its own.
    average: the decay of the averages over steps.
    ramp: how much of the way from all weights to those that stay is behind,
      from 0 to 1, on a scale of logarithms; None is all of it at once. See
      `prunax.schedules.approach`.
  """
  layers.need_optimizer(inner, 'prune_by_score')
  rules = groups.plain_rules(rules)
  _check(rules, score, every, scope, average, ramp)
  inner = optax.with_extra_args_support(inner)
  rank, part = SCORES[score]

  def init_fn(params: Any) -> ScoreState:
    groups.check_counts(params, groups.groups_of(params, rules, scope))
    mask = _starting_mask(params, rules)
    averages = jax.tree.map(
      lambda x: jnp.zeros_like(x, jnp.float32) if part else jnp.zeros(()),
      params,
    )
    return ScoreState(
      count=jnp.zeros((), jnp.int32),
      mask=mask,
      average=averages,
      inner=inner.init(params),
    )

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
    ranked = groups.groups_of(params, rules, scope)
    mask = jax.lax.cond(
      iteration % every == 0,
      lambda: _pruned(
        state.mask,
        optax.apply_updates(params, steps),
        averages,
        ranked,
        rank,
        iteration,
        ramp,
      ),
      lambda: state.mask,
    )
    return keep.masked_updates(mask, steps, params), ScoreState(
      iteration, mask, averages, inner_state
    )

  return optax.GradientTransformationExtraArgs(init_fn, update_fn)
