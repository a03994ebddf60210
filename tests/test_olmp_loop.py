"""OLMP as one call, for a loss and an accuracy of one's own."""

import json

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


def share_of_right(params):
  return jnp.mean((line(params, X[100:]) > 0) == Y[100:])


def toy(**settings):
  rng = np.random.default_rng(1)
  params = {'line': {'kernel': jnp.asarray(TRUTH + rng.normal(size=12) / 4)}}
  given = {'steps': 40, 'every': 10, 'delta': 0.02, 'log': None}
  accuracy = settings.pop('accuracy', share_of_right)
  tx = settings.pop('optimizer', optax.sgd(0.1))
  return params, prunax.olmp(
    params,
    lambda p, batch: jnp.mean(
      optax.sigmoid_binary_cross_entropy(line(p, batch[0]), batch[1])
    ),
    [(X[:100], Y[:100])],
    accuracy,
    tx,
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
  assert len(told) == 3 and 'found compression' in told[0]
  assert told[-1].startswith('the end: accuracy')


def test_the_end_is_told_beside_the_floor():
  told = []
  params, held = toy(log=told.append)
  assert held.accuracy == pytest.approx(float(share_of_right(held.params)))
  assert held.floor == pytest.approx(float(share_of_right(params)) - 0.02)
  assert held.searches[-1]['floor'] == held.floor <= held.accuracy
  assert told[-1].endswith(f'(at least {held.floor:.4f})')
  # What comes after the only search turns the weights around.
  against = optax.chain(optax.scale(-1.0), optax.sgd(1.0))
  _, lost = toy(log=told.append, optimizer=against, until=1)
  assert lost.accuracy < lost.floor == held.floor
  assert 'below the' in told[-1] and 'train longer after `until`' in told[-1]


def test_a_layer_that_surgery_emptied_is_named():
  told = []
  wither = optax.chain(optax.scale(0.0), optax.add_decayed_weights(10.0))
  _, found = toy(
    log=told.append,
    optimizer=optax.chain(wither, optax.sgd(0.09)),
    delta=1.0,
    every=10,
    until=20,
  )
  *_, last = found.searches
  assert (last['step'], last['alive'], last['ratio']) == (10, 0, None)
  assert last['empty'] == ['line'] and last['nearest']['ratio'] is None
  assert "does not bring back 'line'" in told[1] and 'upper' not in told[1]


def test_candidates_without_an_accuracy_are_told():
  told = []

  def fragile(params):
    whole = jnp.all(params['line']['kernel'] != 0)
    return jnp.where(whole, share_of_right(params), jnp.nan)

  _, found = toy(log=told.append, accuracy=fragile, steps=20)
  first = found.searches[0]
  assert not first['feasible'] and first['accuracy'] is None
  assert first['nearest']['delta'] is None
  assert 'no candidate has an accuracy' in told[0]
  assert json.loads(json.dumps(first, allow_nan=False)) == first
  assert np.isnan(found.accuracy) and 'where searches hold' in told[-1]


def little(loss, batches, **settings):
  given = {'steps': 40, 'every': 20, 'until': 1, 'generations': 1, 'log': None}
  return prunax.olmp(
    settings.pop('params', {'a': {'kernel': jnp.ones((2, 2))}}),
    loss,
    batches,
    settings.pop('accuracy', lambda p: jnp.float32(1.0)),
    settings.pop('optimizer', optax.sgd(0.1)),
    settings.pop('rules', [('.*', prunax.Surgery())]),
    jax.random.key(0),
    **given | settings,
  )


def total(p, batch):
  return jnp.sum(p['a']['kernel'])


def test_one_call_refuses_what_cannot_work():
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


@pytest.mark.parametrize(
  ('settings', 'sentence'),
  [
    ({'until': 0}, 'until must be a whole number of at least 1, got 0'),
    ({'until': None, 'steps': 1}, 'steps must be .* at least 2, got 1'),
    ({'params': {}}, 'params must hold weights, got {}'),
    (
      {'params': {'a': {'kernel': jnp.ones((2, 2)), 'n': jnp.arange(3)}}},
      "every leaf .* got int32 in 'a/n'",
    ),
    (
      {'params': {'a': {'kernel': jnp.full((2, 2), jnp.nan)}}},
      "the starting weights must be finite, got .* in 'a/kernel'",
    ),
    ({'accuracy': 0.9}, 'accuracy must be a function of params, got 0.9'),
    ({'accuracy': lambda p, x: 1.0}, "of params, but missing .* 'x'"),
    ({'accuracy': lambda p: (1.0, 2)}, 'accuracy must give one number'),
    (
      {'accuracy': lambda p: float(total(p, 0))},
      r'made of JAX operations, .* neither float\(\) nor NumPy',
    ),
    (
      {'accuracy': lambda p: np.mean(np.asarray(p['a']['kernel']))},
      'made of JAX operations',
    ),
    ({'accuracy': lambda p: 96.0}, 'from 0 to 1, got 96: divide percents'),
    ({'accuracy': lambda p: jnp.nan}, 'from 0 to 1, got nan: look for a NaN'),
    ({'accuracy': lambda p: 96.0, 'first': 30, 'until': 35}, 'got 96'),
    ({'optimizer': None}, 'dns must go around an optimizer .* got None'),
    ({'rules': '.*'}, "rules must be pairs .* got '.*'"),
    ({'rules': ['.*']}, "every rule must be a pair .* got '.*'"),
    ({'rules': [('.*', None)]}, 'with a c_rate and an iter_stop above 0'),
    ({'loss': None}, 'loss must be a function of params and a batch, got None'),
    ({'loss': lambda p, x: p['a']['kernel']}, 'loss must give one floating'),
    ({'loss': lambda p, x: (total(p, x), 1)}, 'and give nothing beside it'),
    ({'loss': lambda p: 1.0}, 'loss must .* too many positional arguments'),
  ],
)
def test_one_call_says_what_is_wrong(settings, sentence):
  loss = settings.get('loss', total)
  more = {k: v for k, v in settings.items() if k != 'loss'}
  with pytest.raises(InputError, match=sentence):
    little(loss, [0], **more)
