"""Which weights lie on a path from an input to an output."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from prunax import tree

_EXAMPLES = 2


def effective(
  apply: Callable[..., jax.Array], variables: Any, input_shape: tuple[int, ...]
) -> Any:
  """A tree of masks: the alive entries that can move an output by an input.

  With positive weights, positive inputs and no biases every path adds to the
  outputs, so an entry has a gradient exactly if a path leads through it. A
  bias counts where its unit lies on one, or is an output.

  Args:
    apply: a model of rectifiers and poolings.
    variables: its weights, zero where pruned.
    input_shape: of one example.
  """
  leaves, structure = jax.tree.flatten(variables)
  keys = jax.random.split(jax.random.key(0), len(leaves) + 1)

  def positive(leaf: Any, key: jax.Array) -> jax.Array:
    alive = jnp.asarray(leaf) != 0
    if not tree.is_kernel(leaf):
      return jnp.zeros(alive.shape, jnp.float32)
    # Means and not sums, lest deep nets overflow.
    inputs = jnp.maximum(jnp.sum(alive) / alive.shape[-1], 1)
    size = jax.random.uniform(key, alive.shape, minval=0.5, maxval=1.5)
    return jnp.where(alive, size / inputs, 0)

  shape = (_EXAMPLES, *input_shape)
  x = jax.random.uniform(keys[-1], shape, minval=0.5, maxval=1.5)
  weights = [positive(w, k) for w, k in zip(leaves, keys[:-1], strict=True)]

  def total(weights: Any) -> jax.Array:
    return jnp.sum(apply(jax.tree.unflatten(structure, weights), x))

  moved = jax.jit(jax.grad(total))(weights)
  return jax.tree.unflatten(
    structure,
    [
      (np.asarray(w) != 0) & (np.asarray(g) != 0)
      for w, g in zip(leaves, moved, strict=True)
    ],
  )


def summary(
  apply: Callable[..., jax.Array], variables: Any, input_shape: tuple[int, ...]
) -> dict[str, Any]:
  """How many entries are effective, and how many units each layer has left.

  A unit is an output channel of a kernel; it is active where an effective
  weight leads to it.
  """
  masks = tree.named_leaves(effective(apply, variables, input_shape))
  units = {
    tree.parent(name): [int(m.any(tuple(range(m.ndim - 1))).sum()), m.shape[-1]]
    for name, m in masks.items()
    if tree.is_kernel(m)
  }
  return {
    'effective': sum(int(m.sum()) for m in masks.values()),
    'units': units,
  }
