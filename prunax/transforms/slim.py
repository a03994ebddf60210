"""A pull towards zero of constant strength."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from prunax import tree
from prunax.schedules.numbers import number
from prunax.transforms import layers
from prunax.transforms.per_leaf import weight_values


def slim(rules: tree.Rules) -> optax.GradientTransformation:
  """Adds the gradient of an L1 penalty: comes first in a chain.

  Liu et al. (2017), network slimming: with the scales of batch normalizations
  under the penalty, those of channels that the network can spare go towards
  zero while it trains.

  >>> tx = optax.chain(slim([('.*/scale', 0.5), ('.*', None)]), optax.sgd(1.0))
  >>> params = {'norm': {'scale': jnp.array([2.0, -2.0]), 'shift': 1.0}}
  >>> still = jax.tree.map(jnp.zeros_like, params)
  >>> updates, state = tx.update(still, tx.init(params), params)
  >>> updates['norm']['scale'].tolist()
  [-0.5, 0.5]

  Args:
    rules: ordered path rules whose values are the strength of the pull, or
      None for no pull.
  """
  tree.check_rules(rules)
  for pattern, value in rules:
    if value is not None:
      number(f'the strength of the rule {pattern!r}', value, 0)

  def init_fn(params: Any) -> optax.EmptyState:
    weight_values(rules, params)
    return optax.EmptyState()

  def update_fn(
    updates: optax.Updates, state: optax.EmptyState, params: Any = None
  ) -> tuple[optax.Updates, optax.EmptyState]:
    layers.need_params(params, 'slim')
    leaves, structure = jax.tree.flatten(updates)
    pulled = [
      g if strength is None else g + (strength * jnp.sign(w)).astype(g.dtype)
      for g, w, (_, strength) in zip(
        leaves,
        jax.tree.leaves(params),
        weight_values(rules, params),
        strict=True,
      )
    ]
    return jax.tree.unflatten(structure, pulled), state

  return optax.GradientTransformation(init_fn, update_fn)
