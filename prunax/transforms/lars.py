"""Layer-wise adaptive rate scaling: LARS, as published and as once shipped."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from prunax import tree
from prunax.errors import InputError
from prunax.ops.wide import wide_dtype
from prunax.transforms import caffe
from prunax.transforms.per_leaf import leaf_values


def _norm(x: jax.Array) -> jax.Array:
  # Over all axes at once: a weight that is sharded must not be reshaped.
  return jnp.sqrt(jnp.sum(jnp.square(x)))


def _excluded(rules: tree.Rules | None, params: Any) -> Any:
  """A tree like `params` that holds whether a leaf is left to plain SGD."""
  if rules is None:
    return jax.tree.map(lambda _: False, params)
  values = leaf_values(rules, params)
  for leaf, value in values:
    if not isinstance(value, bool):
      raise InputError(
        f'exclude must be True or False for each leaf, got {value!r} for'
        f' {leaf!r}: mend the rule'
      )
  flags = [value for _, value in values]
  return jax.tree.unflatten(jax.tree.structure(params), flags)


def _local_rates(
  eta: caffe.Scalar,
  weight_decay: caffe.Scalar,
  decay_mult: caffe.Multiplier,
  exclude: tree.Rules | None,
  compat: bool,
) -> optax.GradientTransformation:
  """Adds the decay to each gradient and scales the sum by the leaf's rate."""

  def init_fn(params: optax.Params) -> optax.EmptyState:
    caffe.multipliers('decay_mult', decay_mult, params)
    _excluded(exclude, params)
    return optax.EmptyState()

  def scaled(
    g: jax.Array, w: jax.Array, factor: caffe.Scalar, excluded: bool
  ) -> jax.Array:
    dtype = wide_dtype(w)
    g, w = g.astype(dtype), w.astype(dtype)
    decayed = g + weight_decay * factor * w
    if excluded:
      return decayed
    norm = _norm(w)
    if compat:
      below = _norm(decayed) + weight_decay * norm
    else:
      below = _norm(g) + weight_decay * factor * norm
    valid = (norm > 0) & (below > 0)
    rate = eta * norm / jnp.where(valid, below, 1.0)
    return jnp.where(valid, rate, 1.0) * decayed

  def update_fn(
    updates: optax.Updates,
    state: optax.OptState,
    params: optax.Params | None = None,
  ) -> tuple[optax.Updates, optax.OptState]:
    if params is None:
      raise InputError(
        'lars needs the parameters, whose norms set the rates, got none: call'
        ' update(gradients, state, params)'
      )
    factors = caffe.multipliers('decay_mult', decay_mult, updates)
    excluded = _excluded(exclude, updates)
    return jax.tree.map(scaled, updates, params, factors, excluded), state

  return optax.GradientTransformation(init_fn, update_fn)


def lars(
  learning_rate: optax.ScalarOrSchedule,
  eta: caffe.Scalar = 0.001,
  momentum: caffe.Scalar = 0.9,
  weight_decay: caffe.Scalar = 0.0,
  lr_mult: caffe.Multiplier = None,
  decay_mult: caffe.Multiplier = None,
  exclude: tree.Rules | None = None,
  compat: bool = False,
) -> optax.GradientTransformation:
  """Momentum SGD whose every leaf has a rate fit to its norm.

  With beta = weight_decay * decay_mult (You, Gitman and Ginsburg 2017, Large
  Batch Training of Convolutional Networks, algorithm 1):

      lambda = eta ||w|| / (||dL/dw|| + beta ||w||)
      V <- momentum * V + learning_rate * lr_mult * lambda * (dL/dw + beta * w)
      w <- w - V

  A leaf that is all zeros, such as a new bias, would have lambda 0 and never
  move: its lambda is 1. Biases and the scales of norms are often better left
  out, which `exclude` does.

  With `compat` the rule is that of a Caffe solver of 2017 (32l), kept for
  parity: the gradient's norm is taken after the decay was added, so the decay
  counts twice, its weight in the denominator is `weight_decay` whatever the
  leaf's `decay_mult`, and `lr_mult` has no effect.

  >>> tx = lars(0.1, eta=0.5, momentum=0.0)
  >>> params, gradients = jnp.array([3.0, 4.0]), jnp.array([1.0, 2.0])
  >>> updates, _ = tx.update(gradients, tx.init(params), params)
  >>> [round(float(u), 4) for u in updates]
  [-0.1118, -0.2236]

  Args:
    learning_rate: the global rate, or a schedule of it over the updates made.
    eta: how far a leaf is trusted to move, as a part of its norm: from 0 to
      under 1.
    momentum: the part of the velocity that stays, from 0 to under 1.
    weight_decay: the factor of the decay.
    lr_mult: what multiplies a leaf's rate: a number, or ordered path rules such
      as `[('.*/bias', 2.0), ('.*', 1.0)]`.
    decay_mult: what multiplies a leaf's decay, given in the same way.
    exclude: path rules with True where lambda is 1; None for nowhere.
    compat: whether to follow the solver of 2017 instead of the paper.
  """
  caffe.check_number('eta', eta, below=1.0)
  caffe.check_number('weight_decay', weight_decay)
  if compat and exclude is not None:
    raise InputError(
      'exclude must be None with compat, which scales every leaf, got'
      f' {exclude!r}: leave one of the two out'
    )
  return optax.chain(
    _local_rates(eta, weight_decay, decay_mult, exclude, compat),
    caffe.caffe_sgd(
      learning_rate, momentum, lr_mult=None if compat else lr_mult
    ),
  )
