"""The momentum SGD of Caffe, with its multipliers per leaf."""

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from prunax import tree
from prunax.errors import InputError
from prunax.ops.wide import wide_dtype
from prunax.transforms.per_leaf import leaf_values

Scalar = float | jax.Array
Multiplier = Scalar | tree.Rules | None


class CaffeSgdState(NamedTuple):
  """The number of updates made, and the velocity, which holds the rate."""

  count: Any
  velocity: Any


def check_number(name: str, value: Any, below: float = math.inf) -> None:
  """Refuses a plain value that is not a number from 0 to under `below`.

  An array passes: `optax.inject_hyperparams` hands traced ones over.
  """
  plain = isinstance(value, Real) and not isinstance(value, bool)
  if isinstance(value, jax.Array) or (plain and 0 <= value < below):
    return
  bound = '' if math.isinf(below) else f' to under {below:g}'
  raise InputError(
    f'{name} must be a finite number from 0{bound}, got {value!r}: mend {name}'
  )


def multipliers(name: str, value: Multiplier, params: Any) -> Any:
  """A tree like `params` that holds the factor of each leaf.

  >>> rules = [('.*/bias', 2.0), ('.*', 1.0)]
  >>> multipliers('lr_mult', rules, {'ip': {'bias': 0.0, 'kernel': 0.0}})
  {'ip': {'bias': 2.0, 'kernel': 1.0}}

  Args:
    name: what an error calls it.
    value: one number for all leaves, ordered path rules, or None for 1.
    params: the parameters, or gradients of the same structure.
  """
  if not isinstance(value, Sequence) or isinstance(value, str):
    factor = 1.0 if value is None else value
    check_number(name, factor)
    return jax.tree.map(lambda _: factor, params)
  values = leaf_values(value, params)
  for leaf, factor in values:
    check_number(f'{name} of {leaf!r}', factor)
  factors = [factor for _, factor in values]
  return jax.tree.unflatten(jax.tree.structure(params), factors)


def is_zero(value: Any) -> bool:
  """Whether a factor is 0 while tracing, so that its term can be left out."""
  return not isinstance(value, jax.Array) and value == 0


def _check(
  learning_rate: optax.ScalarOrSchedule,
  momentum: Scalar,
  weight_decay: Scalar,
  regularization: str,
) -> None:
  if not callable(learning_rate):
    check_number('learning_rate', learning_rate)
  check_number('momentum', momentum, below=1.0)
  check_number('weight_decay', weight_decay)
  if regularization not in ('L1', 'L2'):
    raise InputError(
      f"regularization must be 'L2' or 'L1', got {regularization!r}: name one"
    )


def _decayed(
  gradients: Any,
  params: Any,
  weight_decay: Scalar,
  decay_mult: Multiplier,
  regularization: str,
) -> Any:
  """The gradients with those of the decay added."""
  if is_zero(weight_decay):
    return gradients
  if params is None:
    raise InputError(
      'weight decay needs the parameters, got none: call'
      ' update(gradients, state, params)'
    )

  def decayed(g: jax.Array, w: jax.Array, factor: Scalar) -> jax.Array:
    if is_zero(factor):
      return g
    pull = w if regularization == 'L2' else jnp.sign(w)
    return g + weight_decay * factor * pull.astype(wide_dtype(w))

  factors = multipliers('decay_mult', decay_mult, gradients)
  return jax.tree.map(decayed, gradients, params, factors)


def caffe_sgd(
  learning_rate: optax.ScalarOrSchedule,
  momentum: Scalar = 0.9,
  weight_decay: Scalar = 0.0,
  lr_mult: Multiplier = None,
  decay_mult: Multiplier = None,
  regularization: str = 'L2',
) -> optax.GradientTransformation:
  """SGD with momentum as Caffe's solver computes it (Jia et al. 2014).

      g <- dL/dw + weight_decay * decay_mult * w       (L1: sign(w) for w)
      V <- momentum * V + learning_rate * lr_mult * g
      w <- w - V

  The rate is folded into the velocity, so a change of rate reaches the updates
  slowly; in `optax.sgd` it scales the velocity and acts at once. Biases decay
  like weights unless `decay_mult` spares them. The velocity is kept in float32
  at least, and the updates have the dtype of their parameters.

  Caffe's `iter_size` is `optax.MultiSteps` around this transform: it averages
  the gradients of the micro-batches, as Caffe divides their sum by iter_size,
  and the count, on which the schedule depends, rises once a whole batch.

  >>> tx = caffe_sgd(0.1, momentum=0.5, weight_decay=0.01)
  >>> params = {'w': jnp.array([2.0])}
  >>> state = tx.init(params)
  >>> updates, state = tx.update({'w': jnp.array([1.0])}, state, params)
  >>> [round(float(u), 4) for u in updates['w']]
  [-0.102]

  Args:
    learning_rate: the rate, or a schedule of it over the updates made.
    momentum: the part of the velocity that stays, from 0 to under 1.
    weight_decay: the factor of the decay.
    lr_mult: what multiplies a leaf's rate: a number, or ordered path rules such
      as `[('.*/bias', 2.0), ('.*', 1.0)]`.
    decay_mult: what multiplies a leaf's decay, given in the same way.
    regularization: 'L2' or 'L1'.
  """
  _check(learning_rate, momentum, weight_decay, regularization)

  def init_fn(params: optax.Params) -> CaffeSgdState:
    multipliers('lr_mult', lr_mult, params)
    multipliers('decay_mult', decay_mult, params)
    velocity = jax.tree.map(lambda w: jnp.zeros_like(w, wide_dtype(w)), params)
    return CaffeSgdState(jnp.zeros([], jnp.int32), velocity)

  def update_fn(
    updates: optax.Updates,
    state: Any,
    params: optax.Params | None = None,
  ) -> tuple[optax.Updates, CaffeSgdState]:
    rate = learning_rate
    if callable(learning_rate):
      rate = learning_rate(state.count)

    def moved(g: jax.Array, v: jax.Array, factor: Scalar) -> jax.Array:
      new = momentum * v + rate * factor * g.astype(v.dtype)
      return new.astype(v.dtype)

    factors = multipliers('lr_mult', lr_mult, updates)
    gradients = _decayed(
      updates, params, weight_decay, decay_mult, regularization
    )
    velocity = jax.tree.map(moved, gradients, state.velocity, factors)
    like = updates if params is None else params
    steps = jax.tree.map(lambda x, v: -v.astype(x.dtype), like, velocity)
    return steps, CaffeSgdState(optax.safe_increment(state.count), velocity)

  return optax.GradientTransformation(init_fn, update_fn)
