"""Answers of a model by hand, also where the last batch is a short one."""

import jax
import numpy as np

from prunax import data, evaluation

FEATURES = 6
KERNEL = np.random.default_rng(0).normal(size=(FEATURES, 3)).astype(np.float32)


def linear(variables, x, train=False, rngs=None):
  return x @ variables


def test_predict_reads_the_last_partial_batch():
  x = np.random.default_rng(2).normal(size=(23, FEATURES)).astype(np.float32)
  wanted = np.argmax(x @ KERNEL, -1)
  for batch in (1, 5, 23, 100):
    guesses = evaluation.predict(linear, KERNEL, x, data.scale, batch)
    assert guesses.dtype == np.int32
    np.testing.assert_array_equal(guesses, wanted)


def test_predict_is_traced_once_for_each_size_of_batch():
  traced = []

  def apply(variables, x, train=False, rngs=None):
    traced.append(len(x))
    return linear(variables, x)

  x = np.ones((23, FEATURES), np.float32)
  for _ in range(3):
    evaluation.predict(apply, KERNEL, x, data.scale, batch=5)
  assert traced == [5, 3]


def test_accuracy_counts_only_what_is_there():
  def apply(variables, x, train=False, rngs=None):
    return jax.nn.one_hot(x.astype(int)[:, 0], 4) * variables

  accuracy = jax.jit(evaluation.accuracy_function(apply, data.scale, batch=3))
  x = np.array([[0.0], [1.0], [2.0], [3.0], [0.0], [1.0], [2.0]], np.float32)
  y = np.array([0, 1, 2, 3, 1, 1, 0], np.int32)
  for count in (1, 2, 3, 6, 7):
    right = np.mean(x[:count, 0] == y[:count])
    np.testing.assert_allclose(accuracy(1.0, x[:count], y[:count]), right)
  # A model that gives NaN is nowhere right, though argmax names a class.
  assert float(accuracy(np.nan, x, np.zeros(7, np.int32))) == 0
