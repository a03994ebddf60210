"""Layers that lost inputs give again what they gave."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from prunax import shrinking
from prunax.errors import InputError

RNG = np.random.default_rng(0)


def normal(*shape):
  return RNG.normal(size=shape).astype(np.float32)


IMAGES = normal(12, 6, 6, 2)
NET = {
  'a': normal(3, 3, 2, 8) / 4,
  'b': {'kernel': normal(3, 3, 8, 6) / 8, 'bias': 1 + np.abs(normal(6))},
  'c': normal(6, 3) / 2,
}


def conv(x, kernel):
  return lax.conv_general_dilated(
    x, kernel, (1, 1), 'VALID', dimension_numbers=('NHWC', 'HWIO', 'NHWC')
  )


def hidden(v, x):
  h = jax.nn.sigmoid(conv(x, v['a']))
  return jax.jit(jax.nn.relu)(conv(h, v['b']['kernel']) + v['b']['bias'])


def apply(v, x):
  h = hidden(v, x)
  h = lax.reduce_window(
    h, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), 'VALID'
  )
  return h.reshape(len(x), -1) @ v['c']


KEEP = {
  'a': np.array([1, 1, 0, 1, 0, 1, 1, 0], bool),
  'b/kernel': np.array([1, 1, 1, 0, 1, 0], bool),
}


@pytest.fixture(scope='module')
def case():
  small = shrinking.shrink(apply, NET, IMAGES, keep=KEEP)
  mended = shrinking.reconstruct(apply, NET, KEEP, IMAGES, steps=150, rate=0.01)
  return small, mended


def test_each_layer_comes_nearer_to_the_dense_one(case):
  small, mended = case
  masked = small.report.plan.mask(NET)
  kept = KEEP['b/kernel']
  wanted = hidden(NET, IMAGES)[..., kept]

  def off(v):
    return float(jnp.sum((hidden(v, IMAGES)[..., kept] - wanted) ** 2))

  assert off(mended) < 0.5 * off(masked)
  last, dense = apply(mended, IMAGES), apply(NET, IMAGES)
  before = np.square(apply(masked, IMAGES) - dense).sum()
  assert np.square(last - dense).sum() < 0.5 * before


def test_only_kept_weights_of_readers_move(case):
  small, mended = case
  masked = small.report.plan.mask(NET)
  moved = jax.tree.map(lambda a, b: np.asarray(a) != b, mended, masked)
  assert not moved['a'].any() and not moved['b']['bias'].any()
  rows, columns = np.ix_(KEEP['a'], KEEP['b/kernel'])
  wanted = np.zeros((8, 6), bool)
  wanted[rows, columns] = True
  assert (moved['b']['kernel'].any((0, 1)) == wanted).all()
  assert (moved['c'].any(1) == KEEP['b/kernel']).all()


def test_it_can_be_cut_by_the_plan_and_by_keep(case):
  small, mended = case
  plan = small.report.plan
  full = apply(mended, IMAGES)
  again = shrinking.shrink(apply, mended, IMAGES, keep=KEEP)
  for run, variables in (
    (again.apply, again.variables),
    (small.apply, plan.cut(mended)),
  ):
    np.testing.assert_allclose(run(variables, IMAGES), full, atol=1e-4)
  by_plan = shrinking.reconstruct(apply, NET, plan, IMAGES, steps=1)
  by_keep = shrinking.reconstruct(apply, NET, KEEP, IMAGES, steps=1)
  jax.tree.map(np.testing.assert_array_equal, by_plan, by_keep)


def test_what_stays_as_zero_does_not_move():
  net = {'z': normal(2, 6), 'a': normal(6, 4), 'b': normal(3, 3, 4, 2)}

  def apply(v, x):
    h = jax.nn.sigmoid(jax.nn.relu(x @ v['z']) @ v['a'])
    return lax.conv_general_dilated(
      h, v['b'], (1, 1), 'SAME', dimension_numbers=('NHWC', 'HWIO', 'NHWC')
    )

  keep = {'z': np.arange(6) < 3, 'a': np.array([True, False, True, False])}
  report = shrinking.shrink(apply, net, IMAGES, keep=keep).report
  assert report.stayed == {'a': 2}
  ways = [
    shrinking.reconstruct(apply, net, cut, IMAGES, steps=3)
    for cut in (keep, report.plan)
  ]
  jax.tree.map(np.testing.assert_array_equal, *ways)
  assert not ways[1]['a'][:, ~keep['a']].any()


def test_what_another_channel_can_do_is_done_in_full():
  net = {'a': normal(3, 2), 'b': normal(2, 4), 'c': normal(4, 2)}
  net['a'][:, 1] = 2 * net['a'][:, 0]

  def apply(v, x):
    return jax.nn.relu(jax.nn.relu(x @ v['a']) @ v['b'] + 3) @ v['c']

  x = normal(40, 3)
  keep = {'a': np.array([True, False])}
  mended = shrinking.reconstruct(apply, net, keep, x, steps=2000, rate=0.01)
  wanted = apply(net, x)
  np.testing.assert_allclose(apply(mended, x), wanted, atol=1e-2)
  masked = apply({**net, 'a': mended['a']}, x)
  assert np.abs(masked - wanted).max() > 1


def test_the_error_never_grows():
  masked = shrinking.shrink(apply, NET, IMAGES, keep=KEEP).report.plan.mask(NET)
  wild = shrinking.reconstruct(apply, NET, KEEP, IMAGES, steps=3, rate=1e3)
  jax.tree.map(np.testing.assert_array_equal, wild, masked)


def test_weights_that_products_share_stay():
  net = {'a': normal(3, 3), 'b': normal(3, 3), 'c': normal(3, 2)}

  def apply(v, x):
    h = jax.nn.relu(x @ v['a'])
    return jax.nn.relu(h @ v['b']) @ v['c'] + jnp.tanh(h) @ v['b'] @ v['c']

  keep = {'a': np.array([True, False, True])}
  mended = shrinking.reconstruct(apply, net, keep, normal(5, 3))
  assert (mended['b'] == net['b']).all()
  assert (mended['c'] == net['c']).all()


def test_numbers_are_checked():
  with pytest.raises(InputError, match='rate must be above 0'):
    shrinking.reconstruct(apply, NET, KEEP, IMAGES, rate=0)
  with pytest.raises(InputError, match='steps must be a whole number'):
    shrinking.reconstruct(apply, NET, KEEP, IMAGES, steps=0)
