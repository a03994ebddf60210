"""What a training makes small."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax


class Teaching(NamedTuple):
  """What another network answers to examples.

  Attributes:
    logits: [n, classes] its answers.
    weight: its share of the loss, from 0 to 1; the labels' is the rest.
    temperature: what the logits of both are divided by: high shows more of
      what the teacher thinks of the other classes.
  """

  logits: Any
  weight: Any
  temperature: Any


def cross_entropy(logits: jax.Array, labels: jax.Array) -> jax.Array:
  """The mean softmax cross-entropy of a batch."""
  return jnp.mean(
    optax.softmax_cross_entropy_with_integer_labels(logits, labels)
  )


def taught_loss(
  logits: jax.Array, labels: jax.Array, teaching: Teaching
) -> jax.Array:
  """The loss of Hinton, Vinyals and Dean (2015): of labels and of answers.

  The square of the temperature keeps the gradients of both alike.

  >>> half = jnp.array([[0.0, 0.0]])
  >>> same = taught_loss(half, jnp.array([0]), Teaching(half, 1.0, 1.0))
  >>> round(float(same), 4)
  0.6931
  """
  answers, weight, temperature = teaching
  soft = optax.softmax_cross_entropy(
    logits / temperature, jax.nn.softmax(answers / temperature)
  )
  of_answers = temperature**2 * jnp.mean(soft)
  return weight * of_answers + (1 - weight) * cross_entropy(logits, labels)
