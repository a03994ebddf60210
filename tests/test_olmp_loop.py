"""OLMP as one call, for a loss and an accuracy of one's own."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import prunax
from prunax.errors import InputError


def line(params, x):
  return x @ params['line']['kernel']


X = np.random.default_rng(0).normal(size=(200, 12)).astype(np.float32)
TRUTH = np.array([3.0, -2.0, 1.5] + [0.0] * 9, np.float32)
Y = (X @ TRUTH > 0).astype(np.float32)


def toy(**settings):
  rng = np.random.default_rng(1)
  params = {'line': {'kernel': jnp.asarray(TRUTH + rng.normal(size=12) / 4)}}
  given = {'steps': 40, 'every': 10, 'delta': 0.02, 'log': None}
  return params, prunax.olmp(
    params,
    lambda p, batch: jnp.mean(
      optax.sigmoid_binary_cross_entropy(line(p, batch[0]), batch[1])
    ),
    [(X[:100], Y[:100])],
    lambda p: jnp.mean((line(p, X[100:]) > 0) == Y[100:]),
    optax.sgd(0.1),
    [('.*', prunax.Surgery(c_rate=0.0, gamma=1e-4))],
    jax.random.key(0),
    **(given | settings),
  )


def test_one_call_finds_what_matters():
  params, found = toy()
  kernel = np.asarray(found.params['line']['kernel'])
  assert kernel[:3].all() and np.count_nonzero(kernel) <= 6
  assert [r['step'] for r in found.searches] == [0, 10]
  assert all(r['feasible'] for r in found.searches)
  # What the user gave is still there.
  assert np.asarray(params['line']['kernel']).all()


def test_one_call_logs_and_repeats_itself():
  told = []
  _, one = toy(log=told.append)
  _, two = toy()
  np.testing.assert_array_equal(
    one.params['line']['kernel'], two.params['line']['kernel']
  )
  assert len(told) == 2 and 'found compression' in told[0]


def little(loss, batches, **settings):
  given = {'steps': 40, 'every': 20, 'until': 1, 'generations': 1, 'log': None}
  return prunax.olmp(
    {'a': {'kernel': jnp.ones((2, 2))}},
    loss,
    batches,
    lambda p: jnp.float32(1.0),
    optax.sgd(0.1),
    [('.*', prunax.Surgery())],
    jax.random.key(0),
    **given | settings,
  )


def test_one_call_refuses_what_cannot_work():
  def total(p, batch):
    return jnp.sum(p['a']['kernel'])

  with pytest.raises(InputError, match='batches must last for 40 steps, got 0'):
    little(total, iter(()))
  with pytest.raises(InputError, match='batches must be a list or a generator'):
    little(total, 7)
  with pytest.raises(InputError, match='loss must stay finite, got nan'):
    little(lambda p, batch: jnp.nan * total(p, batch), [0])
  with pytest.raises(InputError, match='first 5 and until 5'):
    little(total, [0], first=5, until=5)
  with pytest.raises(InputError, match='a search must have the setting'):
    toy(popsiez=3)
