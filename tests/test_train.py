"""Training in blocks: one trace, the same bits after a break, divergence."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from prunax import data, train, transforms
from prunax.hooks import Hook
from prunax.transforms import optimizers

FEATURES, CLASSES, SIZE = 6, 3, 20
KEY = jax.random.key(3)

TRANSFORMS = {
  'sgd': lambda: optax.sgd(0.1, momentum=0.9),
  'adam': lambda: optax.adam(0.01),
  'dns': lambda: transforms.dns(
    optax.sgd(0.1), [('.*', {'c_rate': 0.5, 'gamma': 0.0})], KEY
  ),
  'gradual': lambda: optax.chain(
    optax.sgd(0.1), transforms.gradual([('.*', 0.5)], every=3)
  ),
  'keep_zeros': lambda: optax.chain(optax.sgd(0.1), transforms.keep_zeros()),
  'iter_size': lambda: optimizers.accumulate(optax.sgd(0.1), 2),
}
every_transform = pytest.mark.parametrize('name', TRANSFORMS)


def linear(variables, x, train=False, rngs=None):
  return x @ variables['ip']['kernel'] + variables['ip']['bias']


def noisy(variables, x, train=False, rngs=None):
  noise = jax.random.normal(rngs, x.shape) if train else 0.0
  return linear(variables, x + noise)


class Counted:
  """A forward pass that counts how often Python runs it: once a trace."""

  def __init__(self):
    self.calls = 0

  def __call__(self, variables, x, train=False, rngs=None):
    self.calls += 1
    return linear(variables, x, train, rngs)


def start(tx):
  rng = np.random.default_rng(0)
  kernel = rng.normal(size=(FEATURES, CLASSES)).astype(np.float32)
  params = {'ip': {'kernel': jnp.asarray(kernel), 'bias': jnp.zeros(CLASSES)}}
  return train.Progress(0, params, tx.init(params), {})


def examples(batch=4):
  rng = np.random.default_rng(1)
  x = rng.normal(size=(SIZE, FEATURES)).astype(np.float32)
  y = rng.integers(0, CLASSES, SIZE).astype(np.int32)

  def indices(first, steps):
    return data.batch_indices('shuffle', SIZE, batch, first, steps, seed=5)

  return train.Examples(x, y, data.scale, indices)


def sequential(x, y):
  def indices(first, steps):
    return data.batch_indices('sequential', len(y), 1, first, steps, seed=0)

  return train.Examples(x, y, data.scale, indices)


@every_transform
def test_all_full_blocks_share_one_trace(name):
  apply, tx = Counted(), TRANSFORMS[name]()
  seen = []
  for _ in train.fit(apply, tx, examples(), start(tx), 22, 4, KEY):
    seen.append(apply.calls)
  # The sixth block is the last one, of two steps.
  assert seen == [1, 1, 1, 1, 1, 2]


def snapshots(apply, name, begin=None):
  """Where a training stands after each block, as copies."""
  tx = TRANSFORMS[name]()
  begin = begin or start(tx)
  blocks = train.fit(apply, tx, examples(), begin, 16, 4, KEY)
  return [
    p._replace(
      params=jax.tree.map(np.array, p.params),
      opt_state=jax.tree.map(np.array, p.opt_state),
    )
    for p in blocks
  ]


@pytest.mark.parametrize(
  ('apply', 'name'),
  [*((linear, name) for name in TRANSFORMS), (noisy, 'sgd')],
)
def test_a_break_at_the_end_of_a_block_changes_no_bit(apply, name):
  unbroken = snapshots(apply, name)
  resumed = snapshots(apply, name, begin=unbroken[1])
  assert [p.step for p in resumed] == [12, 16]
  jax.tree.map(np.testing.assert_array_equal, resumed, unbroken[2:])


def test_blocks_end_at_multiples_wherever_the_start_is():
  tx = TRANSFORMS['sgd']()
  late = start(tx)._replace(step=3)
  ends = [p.step for p in train.fit(linear, tx, examples(), late, 17, 5, KEY)]
  assert ends == [5, 10, 15, 17]


def test_a_training_that_is_done_yields_nothing():
  tx = TRANSFORMS['sgd']()
  done = start(tx)._replace(step=17)
  assert not list(train.fit(linear, tx, examples(), done, 17, 5, KEY))


def test_the_steps_are_those_of_a_plain_loop():
  rate = 0.5
  x = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], np.float32)
  y = np.array([0, 1, 1], np.int32)
  kernel, bias = np.zeros((2, 2)), np.zeros(2)
  losses, right = [], 0
  for i in (0, 1, 2, 0):
    logits = x[i] @ kernel + bias
    p = np.exp(logits) / np.exp(logits).sum()
    losses.append(-np.log(p[y[i]]))
    right += int(np.argmax(logits) == y[i])
    g = p - np.eye(2)[y[i]]
    kernel, bias = kernel - rate * np.outer(x[i], g), bias - rate * g

  tx = optax.sgd(rate)
  params = {'ip': {'kernel': jnp.zeros((2, 2)), 'bias': jnp.zeros(2)}}
  begin = train.Progress(0, params, tx.init(params), {})
  (end,) = train.fit(linear, tx, sequential(x, y), begin, 4, 4, KEY)
  np.testing.assert_allclose(end.params['ip']['kernel'], kernel, rtol=1e-5)
  np.testing.assert_allclose(end.params['ip']['bias'], bias, rtol=1e-5)
  assert end.metrics['loss'] == pytest.approx(np.mean(losses), rel=1e-5)
  assert end.metrics['accuracy'] == right / 4


def test_metrics_tell_the_density_of_every_layer():
  tx = optax.sgd(0.0)
  params = {
    'a': {'kernel': jnp.array([[1.0, 0.0], [0.0, 0.0]])},
    'b': {'kernel': jnp.ones((2, 3)), 'bias': jnp.zeros(3)},
  }

  def apply(variables, x, train=False, rngs=None):
    hidden = x @ variables['a']['kernel']
    return hidden @ variables['b']['kernel'] + variables['b']['bias']

  begin = train.Progress(0, params, tx.init(params), {})
  x, y = np.ones((2, 2), np.float32), np.array([0, 1], np.int32)
  (end,) = train.fit(apply, tx, sequential(x, y), begin, 2, 2, KEY)
  assert end.metrics['layers'] == {'a': 0.25, 'b': 6 / 9}
  assert end.metrics['density'] == 7 / 13


def test_a_loss_that_is_not_finite_is_named_by_its_step():
  tx = optax.sgd(0.1)
  x = np.ones((20, FEATURES), np.float32)
  x[13] = np.nan
  y = np.zeros(20, np.int32)
  blocks = train.fit(linear, tx, sequential(x, y), start(tx), 20, 5, KEY)
  assert [next(blocks).step, next(blocks).step] == [5, 10]
  with pytest.raises(train.Diverged, match='at step 13'):
    next(blocks)


def test_weights_that_are_not_finite_stop_a_training_whose_losses_are():
  tx = optax.sgd(float('inf'))
  x, y = np.ones((4, FEATURES), np.float32), np.zeros(4, np.int32)
  blocks = train.fit(linear, tx, sequential(x, y), start(tx), 1, 1, KEY)
  with pytest.raises(train.Diverged, match='at step 0'):
    next(blocks)


def test_cross_entropy_by_hand():
  logits = jnp.log(jnp.array([[0.5, 0.5], [0.25, 0.75]]))
  loss = train.cross_entropy(logits, jnp.array([0, 1]))
  assert float(loss) == pytest.approx(-(np.log(0.5) + np.log(0.75)) / 2)


def test_a_hook_acts_before_its_steps_and_is_recorded():
  tx = optax.sgd(0.1)
  seen = []

  def act(step, params, opt_state):
    seen.append((step, params))
    params = jax.tree.map(jnp.zeros_like, params)
    return params, opt_state, {'told': 7}

  begin = start(tx)
  blocks = [
    (now.step, now.metrics.get('hook'))
    for now in train.fit(
      linear,
      tx,
      examples(),
      begin,
      7,
      4,
      jax.random.key(0),
      Hook(3, 3, 6, act),
    )
  ]
  assert blocks == [
    (3, None),
    (4, {'step': 3, 'told': 7}),
    (6, None),
    (7, None),
  ]
  assert [step for step, _ in seen] == [3]
