"""How much the loss feels each weight."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from prunax.losses import cross_entropy
from prunax.ops.wide import wide_dtype, widened
from prunax.train import Apply


def fisher_diagonal(
  apply: Apply,
  params: Any,
  x: np.ndarray,
  y: np.ndarray,
  scale: Callable[[Any], Any],
  batch: int = 16,
) -> Any:
  """The mean over examples of the squared gradient of each one's loss.

  The diagonal of the empirical Fisher information, which near a minimum stands
  for that of the Hessian: moving a weight by d costs about d^2 / 2 times it
  (Theis et al. 2018), so it is what the error of each weight weighs when
  values are shared (Choi, El-Khamy and Lee 2017, who use the Hessian).

  >>> def apply(params, x, *, train, rngs=None):
  ...   return jnp.stack([params['w'] * x, 0 * x], -1)
  >>> mean = fisher_diagonal(
  ...   apply,
  ...   {'w': jnp.float32(0.0)},
  ...   np.array([1.0, 2.0], np.float32),
  ...   np.array([0, 1]),
  ...   lambda x: x,
  ... )
  >>> float(mean['w'])
  0.625

  Args:
    apply: the model's forward pass, which is asked in evaluation mode.
    params: its weights.
    x: [n, ...] examples as stored.
    y: [n] labels.
    scale: examples as stored -> what the model sees.
    batch: how many gradients are in memory at a time.

  Returns:
    A tree like `params`, in float32 at least.
  """

  def loss(params: Any, one: jax.Array, label: jax.Array) -> jax.Array:
    logits = apply(params, scale(one[None]), train=False)
    return cross_entropy(logits, label[None])

  gradients = jax.vmap(jax.grad(loss), (None, 0, 0))
  rows, labels = jnp.asarray(x), jnp.asarray(y)
  size = min(batch, len(y))

  def step(total: Any, at: jax.Array) -> tuple[Any, None]:
    # What fills the last batch counts 0 times.
    kept = jnp.minimum(at, len(y) - 1)
    each = gradients(params, rows[kept], labels[kept])
    new = jax.tree.map(lambda g: _summed_squares(g, at < len(y)), each)
    return jax.tree.map(jnp.add, total, new), None

  at = jnp.arange(-(-len(y) // size) * size).reshape(-1, size)
  zeros = jax.tree.map(lambda w: jnp.zeros(w.shape, wide_dtype(w)), params)
  total, _ = jax.lax.scan(step, zeros, at)
  return jax.tree.map(lambda s: s / len(y), total)


def _summed_squares(g: jax.Array, counts: jax.Array) -> jax.Array:
  wide = widened(g)
  return jnp.tensordot(counts.astype(wide.dtype), jnp.square(wide), 1)
