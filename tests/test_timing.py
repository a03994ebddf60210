"""How long a call takes, which nobody can promise."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import prunax
from prunax.errors import InputError


def test_more_work_takes_longer():
  def apply(variables, x, turns):
    for _ in range(turns):
      x = jnp.tanh(x @ variables['a'])
    return x

  v = {'a': np.eye(300, dtype=np.float32)}
  x = jax.ShapeDtypeStruct((300, 300), np.float32)
  short, long = (prunax.latency(apply, v, x, n, calls=9) for n in (1, 60))
  assert long.median > 3 * short.median
  for took in (short, long):
    assert 0 < took.low <= took.median <= took.high and took.calls == 9


def test_keyword_arguments_and_what_is_no_array():
  def apply(variables, x, *, key, train):
    assert train is True
    return x + jax.random.normal(key, x.shape)

  key = jax.random.key(0)
  took = prunax.latency(apply, {}, np.ones(3), key=key, train=True, calls=3)
  assert took.median > 0


def test_calls_are_a_whole_number():
  with pytest.raises(InputError, match='calls'):
    prunax.latency(lambda v: v, np.ones(3), calls=0)


def test_what_cannot_be_traced_is_refused_in_a_sentence():
  def branching(v, x):
    return v['a'] if x.sum() > 0 else x

  with pytest.raises(InputError, match='that JAX can trace'):
    prunax.latency(branching, {'a': np.ones(3, 'f')}, np.ones((2, 3), 'f'))
