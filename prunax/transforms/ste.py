"""Quantization-aware training with a straight-through estimator."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from prunax import tree
from prunax.ops import levels
from prunax.schedules.numbers import whole
from prunax.transforms import layers
from prunax.transforms.per_leaf import leaf_values, need_finite, need_floats


class STEState(NamedTuple):
  """What straight-through quantization remembers.

  Attributes:
    mask: which weights are alive, like params, as at `init`.
    dense: the weights as the optimizer moves them, like params.
    inner: the state of the wrapped optimizer.
  """

  mask: Any
  dense: Any
  inner: optax.OptState


def _check(rules: tree.Rules) -> None:
  tree.check_rules(rules)
  for pattern, bits in rules:
    if bits is not None:
      named = f'the bits of the rule {pattern!r}'
      levels.check_bits(whole(named, bits), named)


def _quantized(dense: Any, rules: tree.Rules, digits: int) -> Any:
  """The weights that count: ruled kernels are on their levels."""
  leaves, structure = jax.tree.flatten(dense)
  values = leaf_values(rules, dense)
  snapped = [
    levels.uniform(x, bits, digits)
    if bits is not None and tree.is_kernel(x)
    else x
    for x, (_, bits) in zip(leaves, values, strict=True)
  ]
  return jax.tree.unflatten(structure, snapped)


def ste(
  inner: optax.GradientTransformation,
  rules: tree.Rules,
  scale_digits: int = 12,
) -> optax.GradientTransformationExtraArgs:
  """Trains quantized weights: goes around an optimizer.

  The straight-through estimator (Bengio et al. 2013): `inner` trains dense
  weights, which this state keeps, by the gradient at the quantized ones, which
  are the params of the user's loop. Their levels are whole multiples of each
  channel's scale, see `prunax.ops.levels.uniform`; the scale follows the
  channel's largest weight. Biases are trained and not quantized, and zeros
  stay zeros. In bfloat16 the levels are rounded once more.

  >>> params = {'ip': {'kernel': jnp.array([[7.0], [2.4], [0.0]])}}
  >>> tx = ste(optax.sgd(0.1), [('.*', 4)])
  >>> state = tx.init(params)
  >>> for _ in range(2):
  ...   grads = {'ip': {'kernel': jnp.array([[0.0], [-1.0], [9.0]])}}
  ...   updates, state = tx.update(grads, state, params)
  ...   params = optax.apply_updates(params, updates)
  ...   print(params['ip']['kernel'][:, 0].tolist())
  [7.0, 2.0, 0.0]
  [7.0, 3.0, 0.0]

  Args:
    inner: the optimizer of the dense weights.
    rules: ordered path rules whose values are the bits of a leaf's weights, 2
      to 8, or None for those that are not quantized.
    scale_digits: binary digits of a scale, 12 or 1. With 1 it is a power of
      two, the next above; the levels are up to twice as far apart then, and
      take few bits in a file.
  """
  _check(rules)
  levels.check_digits(whole('scale_digits', scale_digits, 1), 'scale_digits')
  layers.need_optimizer(inner, 'ste')
  inner = optax.with_extra_args_support(inner)

  def init_fn(params: Any) -> STEState:
    pairs = zip(
      jax.tree.leaves(params), leaf_values(rules, params), strict=True
    )
    for x, (name, bits) in pairs:
      if bits is not None and tree.is_kernel(x):
        need_floats(x, 'ste', name)
        need_finite(x, 'ste', name)
    # Copies, since the caller may donate params and this state together.
    dense = jax.tree.map(lambda x: jnp.array(x, copy=True), params)
    return STEState(
      mask=layers.starting_mask_tree(params),
      dense=dense,
      inner=inner.init(dense),
    )

  def update_fn(
    updates: optax.Updates,
    state: STEState,
    params: Any = None,
    **extra_args: Any,
  ) -> tuple[optax.Updates, STEState]:
    layers.need_params(params, 'ste')
    masked = _masked(state.mask, updates)
    steps, inner_state = inner.update(
      masked, state.inner, state.dense, **extra_args
    )
    moved = optax.apply_updates(state.dense, steps)
    dense = _masked(state.mask, moved)
    wanted = _quantized(dense, rules, scale_digits)
    return layers.step_to(wanted, params), STEState(
      state.mask, dense, inner_state
    )

  return optax.GradientTransformationExtraArgs(init_fn, update_fn)


def _masked(mask: Any, values: Any) -> Any:
  return jax.tree.map(lambda m, x: jnp.where(m, x, 0), mask, values)
