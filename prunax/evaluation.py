"""What a model answers in evaluation mode, and how much of it is right."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from prunax.train import Apply


@functools.lru_cache(maxsize=8)
def _forward(
  apply: Callable[..., jax.Array], scale: Callable[[Any], Any]
) -> Callable[[Any, Any], jax.Array]:
  """The compiled forward pass, kept for the next call."""

  def forward(params: Any, x: jax.Array) -> jax.Array:
    return apply(params, scale(x), train=False)

  return jax.jit(forward)


def accuracy_function(
  apply: Apply, scale: Callable[[Any], Any], batch: int = 250
) -> Callable[[Any, jax.Array, jax.Array], jax.Array]:
  """The share of right answers in evaluation mode, to be traced.

  Args:
    apply: the model's forward pass.
    scale: examples as stored -> what the model sees.
    batch: how many examples it sees at a time.

  Returns:
    A function of params, x [n, ...] and y [n]; a model that gives a NaN is
    nowhere right.
  """

  def accuracy(params: Any, x: jax.Array, y: jax.Array) -> jax.Array:
    size = min(batch, len(y))
    parts = -(-len(y) // size)
    # No class is -1: what fills the last batch is never right.
    fill = [(0, parts * size - len(y))]
    x_parts = jnp.pad(x, fill + [(0, 0)] * (x.ndim - 1)).reshape(
      parts, size, *x.shape[1:]
    )
    y_parts = jnp.pad(y, fill, constant_values=-1).reshape(parts, size)

    def right(part: tuple[jax.Array, jax.Array]) -> jax.Array:
      logits = apply(params, scale(part[0]), train=False)
      guess = jnp.where(
        jnp.any(jnp.isnan(logits), -1), -2, jnp.argmax(logits, -1)
      )
      return jnp.sum(guess == part[1], dtype=jnp.int32)

    return jnp.sum(jax.lax.map(right, (x_parts, y_parts))) / len(y)

  return accuracy


def answers(
  apply: Apply,
  params: Any,
  x: np.ndarray,
  scale: Callable[[Any], Any],
  batch: int = 250,
) -> np.ndarray:
  """The logits of every example, [n, classes], in evaluation mode."""
  plain: Callable[..., jax.Array] = apply
  forward = _forward(plain, scale)
  parts = [
    np.asarray(forward(params, x[i : i + batch]))
    for i in range(0, len(x), batch)
  ]
  return np.concatenate(parts)


def predict(
  apply: Apply,
  params: Any,
  x: np.ndarray,
  scale: Callable[[Any], Any],
  batch: int = 250,
) -> np.ndarray:
  """The class of every example, int32 [n], in evaluation mode."""
  said = answers(apply, params, x, scale, batch)
  return said.argmax(-1).astype(np.int32)


def score(guesses: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
  """Accuracy (0 to 1), errors and count of predictions.

  >>> score(np.array([1, 2, 3, 3]), np.array([1, 2, 3, 4]))
  {'accuracy': 0.75, 'errors': 1, 'count': 4}
  """
  errors = int(np.sum(guesses != labels))
  count = len(labels)
  return {
    'accuracy': (count - errors) / count,
    'errors': errors,
    'count': count,
  }
