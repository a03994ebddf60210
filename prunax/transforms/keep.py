"""Zeros stay zeros."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from prunax.transforms import layers


class KeepZerosState(NamedTuple):
  """Which weights are alive."""

  mask: Any


def masked_updates(mask: Any, updates: Any, params: Any) -> optax.Updates:
  """Updates under which the masked weights become, or stay, exactly 0."""
  return jax.tree.map(
    lambda p, m, u: jnp.where(m, u, -p).astype(p.dtype), params, mask, updates
  )


def keep_zeros() -> optax.GradientTransformation:
  """Fine-tunes a pruned network: comes last in a chain.

  What is zero when `init` sees it stays zero, in layers whose kernel has a
  zero; other layers are free. `optax.masked` limits it to some leaves.

  >>> tx = optax.chain(optax.sgd(0.5), keep_zeros())
  >>> params = {'ip': {'kernel': jnp.array([[1.0, 0.0]])}}
  >>> state = tx.init(params)
  >>> updates, state = tx.update(params, state, params)
  >>> optax.apply_updates(params, updates)['ip']['kernel'].tolist()
  [[0.5, 0.0]]
  """

  def init_fn(params: Any) -> KeepZerosState:
    return KeepZerosState(layers.starting_mask_tree(params))

  def update_fn(
    updates: optax.Updates, state: KeepZerosState, params: Any = None
  ) -> tuple[optax.Updates, KeepZerosState]:
    layers.need_params(params, 'keep_zeros')
    return masked_updates(state.mask, updates, params), state

  return optax.GradientTransformation(init_fn, update_fn)
