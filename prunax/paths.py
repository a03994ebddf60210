"""Which weights lie on a path from an input to an output."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from prunax import averages, tree

_EXAMPLES = 2


# Compiled once for all artifacts of a run.
@functools.lru_cache(maxsize=8)
def _moved(
  apply: Callable[..., jax.Array],
  structure: Any,
  input_shape: tuple[int, ...],
  with_biases: bool = False,
) -> Callable[[list[Any]], list[jax.Array]]:
  """A function of the alive masks of all leaves to gradients of the outputs."""

  def gradients(alive: list[jax.Array]) -> list[jax.Array]:
    # Any positive numbers do; different ones, so that no two paths tie.
    keys = jax.random.split(jax.random.key(0), len(alive) + 1)

    def positive(mask: jax.Array, key: jax.Array) -> jax.Array:
      size = jax.random.uniform(key, mask.shape, minval=0.5, maxval=1.5)
      if not tree.is_kernel(mask):
        return jnp.where(mask & with_biases, size, 0)
      # Means and not sums, lest deep nets overflow.
      inputs = jnp.maximum(jnp.sum(mask) / mask.shape[-1], 1)
      return jnp.where(mask, size / inputs, 0)

    shape = (_EXAMPLES, *input_shape)
    x = jax.random.uniform(keys[-1], shape, minval=0.5, maxval=1.5)
    weights = [positive(m, k) for m, k in zip(alive, keys[:-1], strict=True)]

    def total(weights: Any) -> jax.Array:
      return jnp.sum(apply(jax.tree.unflatten(structure, weights), x))

    return jax.grad(total)(weights)

  return jax.jit(gradients)


def effective(
  apply: Callable[..., jax.Array], variables: Any, input_shape: tuple[int, ...]
) -> Any:
  """A tree of masks: the alive entries that can move an output by an input.

  With positive weights, positive inputs and no biases every path adds to the
  outputs, so an entry has a gradient exactly if a path leads through it. A
  bias counts where its unit lies on one, or is an output.

  >>> def apply(variables, x):
  ...   return jax.nn.relu(x @ variables['a/kernel']) @ variables['b/kernel']
  >>> net = {'a/kernel': np.eye(2), 'b/kernel': np.array([[1.0], [0.0]])}
  >>> effective(apply, net, (2,))['a/kernel'].tolist()
  [[True, False], [False, False]]

  Args:
    apply: a model of rectifiers and poolings.
    variables: its weights, zero where pruned.
    input_shape: of one example.
  """
  return _masks(apply, variables, input_shape, with_biases=False)


def used(
  apply: Callable[..., jax.Array], variables: Any, input_shape: tuple[int, ...]
) -> Any:
  """A tree of masks: the alive entries that an output depends on.

  More than are `effective`: what a bias sets in motion counts too. The others
  can be made zero, and no output changes.

  >>> def apply(variables, x):
  ...   hidden = jax.nn.relu(x @ variables['a/kernel'] + variables['a/bias'])
  ...   return hidden @ variables['b/kernel']
  >>> kernels = {'a/kernel': np.zeros((2, 2)), 'b/kernel': np.ones((2, 1))}
  >>> net = {**kernels, 'a/bias': np.array([1.0, 0.0])}
  >>> used(apply, net, (2,))['b/kernel'].tolist()
  [[True], [False]]
  """
  return _masks(apply, variables, input_shape, with_biases=True)


def _masks(
  apply: Callable[..., jax.Array],
  variables: Any,
  input_shape: tuple[int, ...],
  with_biases: bool,
) -> Any:
  leaves, structure = jax.tree.flatten(variables)
  alive = [np.asarray(w) != 0 for w in leaves]
  moved = _moved(apply, structure, tuple(input_shape), with_biases)(alive)
  masks = [m & (np.asarray(g) != 0) for m, g in zip(alive, moved, strict=True)]
  return jax.tree.unflatten(structure, masks)


def summary(
  apply: Callable[..., jax.Array], variables: Any, input_shape: tuple[int, ...]
) -> dict[str, Any]:
  """How many entries are effective, and how many units each layer has left.

  A unit is an output channel of a kernel; it is active where an effective
  weight leads to it. Nothing is said of a model that is more than rectifiers
  and poolings: one with running averages, or where not even all of a dense one
  would be effective.
  """
  if any(averages.flags(tree.leaf_names(variables))):
    return {}
  dense = effective(apply, jax.tree.map(np.ones_like, variables), input_shape)
  if not all(m.all() for m in jax.tree.leaves(dense)):
    return {}
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
