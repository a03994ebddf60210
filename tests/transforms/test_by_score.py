"""Pruning by score, by hand and against plain loops."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from prunax import schedules, transforms, tree
from prunax.errors import InputError
from prunax.ops import scores
from prunax.transforms.caffe import caffe_sgd

RULES = [('.*/kernel', 5), ('ip2/bias', None), ('.*', 0.0)]


def params():
  rng = np.random.default_rng(0)
  return {
    'ip1': {
      'kernel': jnp.asarray(rng.normal(size=(4, 3)), jnp.float32),
      'bias': jnp.asarray(rng.normal(size=3), jnp.float32),
    },
    'ip2': {
      'kernel': jnp.asarray(rng.normal(size=(3, 2)), jnp.float32),
      'bias': jnp.asarray(rng.normal(size=2), jnp.float32),
    },
  }


def gradients(step):
  rng = np.random.default_rng(step + 100)
  return jax.tree.map(
    lambda x: jnp.asarray(rng.normal(size=x.shape), jnp.float32), params()
  )


def run(tx, steps, now=None):
  now = params() if now is None else now
  state = tx.init(now)
  update = jax.jit(tx.update)
  history = []
  for t in range(steps):
    updates, state = update(gradients(t), state, now)
    now = optax.apply_updates(now, updates)
    history.append(now)
  return history, state


def alive(trees):
  return {x.name: x.alive for x in tree.count(trees)}


@pytest.mark.parametrize('score', ['magnitude', 'layer', 'gradient', 'fisher'])
def test_the_exact_count_is_left(score):
  tx = transforms.prune_by_score(optax.sgd(0.01), RULES, score=score, every=3)
  history, _ = run(tx, 7)
  kernels = [n for n in alive(params()) if n.endswith('kernel')]
  for t, now in enumerate(history):
    count = alive(now)
    assert sum(count[n] for n in kernels) == (18 if t < 2 else 5)
    # Unused from the first step on, and left as it is.
    assert (count['ip1/bias'], count['ip2/bias']) == (0, 2)


def test_against_plain_loops():
  """The Fisher score with momentum and decay, weight by weight."""
  ramp = schedules.geometric_ramp(1.0, 4 / 18, 1, 6)
  rules = [('.*/kernel', ramp), ('.*', None)]
  inner = caffe_sgd(0.1, momentum=0.9, weight_decay=0.01)
  history, _ = run(
    transforms.prune_by_score(inner, rules, every=2, average=0.5), 8
  )
  names = tree.leaf_names(params())
  w = [np.array(x) for x in jax.tree.leaves(params())]
  v = [np.zeros_like(x) for x in w]
  square = [np.zeros_like(x) for x in w]
  mask = [np.ones_like(x, bool) for x in w]
  kernels = [i for i, n in enumerate(names) if n.endswith('kernel')]
  for t in range(8):
    g = [np.asarray(x) for x in jax.tree.leaves(gradients(t))]
    for i in range(len(w)):
      square[i] = 0.5 * square[i] + 0.5 * g[i] ** 2
      v[i] = 0.9 * v[i] + 0.1 * (g[i] * mask[i] + 0.01 * w[i])
      w[i] = w[i] - v[i]
    if (t + 1) % 2 == 0:
      stay = round(float(ramp(t + 1)) * 18)
      worth = sorted(
        (
          -abs(w[i][at]) * np.sqrt(square[i][at]) if mask[i][at] else 0.0,
          i,
          at,
        )
        for i in kernels
        for at in np.ndindex(w[i].shape)
      )
      for _, i, at in worth[stay:]:
        mask[i][at] = False
    w = [x * m for x, m in zip(w, mask, strict=True)]
    for x, y in zip(jax.tree.leaves(history[t]), w, strict=True):
      np.testing.assert_allclose(x, y, rtol=2e-5, atol=1e-6)
      np.testing.assert_array_equal(np.asarray(x) == 0, y == 0)
  assert sum(int(mask[i].sum()) for i in kernels) == 4


def test_what_is_gone_stays_gone():
  tx = transforms.prune_by_score(
    optax.adam(0.1), [('.*/kernel', 0.4), ('.*', None)], every=1
  )
  history, state = run(tx, 5)
  before = None
  for now in history:
    zero = jax.tree.map(lambda x: np.asarray(x) == 0, now)
    if before is not None:
      for a, b in zip(
        jax.tree.leaves(before), jax.tree.leaves(zero), strict=True
      ):
        assert (b | ~a).all()
    before = zero
  chex.assert_trees_all_equal(
    jax.tree.map(lambda x: x != 0, history[-1]), state.mask
  )


def test_by_layer_each_has_its_share():
  tx = transforms.prune_by_score(
    optax.sgd(0.0), [('.*/kernel', 0.5), ('.*', None)], every=1, scope='layer'
  )
  history, _ = run(tx, 1)
  count = alive(history[-1])
  assert (count['ip1/kernel'], count['ip2/kernel']) == (6, 3)


def one_pruning(rules, **settings):
  """How much of each leaf a first pruning leaves."""
  tx = transforms.prune_by_score(optax.sgd(0.0), rules, every=1, **settings)
  return alive(run(tx, 1)[0][-1])


def test_two_rules_of_one_count_have_it_each():
  count = one_pruning([('ip1/kernel', 4), ('ip2/kernel', 4), ('.*', None)])
  assert (count['ip1/kernel'], count['ip2/kernel']) == (4, 4)
  # One rule over both is one count.
  count = one_pruning([('.*/kernel', 4), ('.*', None)])
  assert count['ip1/kernel'] + count['ip2/kernel'] == 4


@pytest.mark.parametrize('scope', ['layer', 'global'])
def test_rules_of_one_layer_are_ranked_apart(scope):
  rules = [('ip1/kernel', 2), ('ip1/bias', 2), ('.*', None)]
  count = one_pruning(rules, scope=scope)
  assert (count['ip1/kernel'], count['ip1/bias']) == (2, 2)


@pytest.mark.parametrize('density', [1e-3, lambda step: 1e-3])
def test_a_small_density_keeps_a_weight(density):
  rules = [('.*/kernel', density), ('.*', None)]
  count = one_pruning(rules, scope='layer')
  assert (count['ip1/kernel'], count['ip2/kernel']) == (1, 1)
  count = one_pruning(rules)
  assert count['ip1/kernel'] + count['ip2/kernel'] == 1
  # Not used at all is said by 0.
  assert one_pruning([('.*', 0.0)])['ip1/kernel'] == 0
  assert one_pruning([('.*', lambda step: 0.0)])['ip1/kernel'] == 0


@pytest.mark.parametrize('number', [jnp.int32, np.int64, np.array])
def test_a_count_may_be_an_array_of_one_number(number):
  count = one_pruning([('.*/kernel', number(3)), ('.*', None)])
  assert count['ip1/kernel'] + count['ip2/kernel'] == 3


def test_a_pruned_start_stays_pruned():
  start = params()
  start['ip1']['kernel'] = start['ip1']['kernel'].at[0].set(0.0)
  tx = transforms.prune_by_score(
    optax.sgd(0.1), [('.*/kernel', 1.0), ('.*', None)], every=1
  )
  history, _ = run(tx, 3, start)
  assert not np.asarray(history[-1]['ip1']['kernel'])[0].any()
  assert alive(history[-1])['ip1/kernel'] == 9


def test_it_sees_the_raw_gradients():
  """A pruned weight's gradient still enters the average."""
  tx = transforms.prune_by_score(
    optax.sgd(0.0), [('.*/kernel', 1), ('.*', None)], every=1, average=0.0
  )
  _, state = run(tx, 2)
  expected = jax.tree.map(jnp.square, gradients(1))
  chex.assert_trees_all_close(state.average, expected)


def test_scores_by_hand():
  x, mask = jnp.array([1.0, -2.0, 5.0]), jnp.array([True, True, False])
  part = jnp.array([4.0, 1.0, 9.0])
  assert scores.magnitude(x, mask, part).tolist() == [1.0, 2.0, 5.0]
  assert scores.gradient(x, mask, part).tolist() == [4.0, 2.0, 45.0]
  assert scores.fisher(x, mask, part).tolist() == [2.0, 2.0, 15.0]
  np.testing.assert_allclose(
    scores.by_layer(x, mask)[:2], np.array([1.0, 2.0]) / np.sqrt(2.5), rtol=1e-6
  )


def test_mistakes_are_told():
  sgd = optax.sgd(0.1)
  with pytest.raises(InputError, match=r"score must be one of .* got 'fish'"):
    transforms.prune_by_score(sgd, RULES, score='fish')
  with pytest.raises(InputError, match=r'at most 1, got 1\.5 for the rule'):
    transforms.prune_by_score(sgd, [('.*', 1.5)])
  with pytest.raises(InputError, match="scope must be 'layer' or 'global'"):
    transforms.prune_by_score(sgd, RULES, scope='net')
  with pytest.raises(InputError, match=r'average must lie in \[0, 1\)'):
    transforms.prune_by_score(sgd, RULES, average=1.0)
  with pytest.raises(InputError, match='every must be a whole number'):
    transforms.prune_by_score(sgd, RULES, every=0)
  with pytest.raises(InputError, match=r'around an optimizer .* got None'):
    transforms.prune_by_score(None, RULES)
  with pytest.raises(InputError, match=r"rules must be pairs .* got '\.\*'"):
    transforms.prune_by_score(sgd, '.*')
  with pytest.raises(InputError, match=r'rules must be pairs .* got None'):
    transforms.prune_by_score(sgd, None)
  with pytest.raises(InputError, match=r"a pair .* got \('\.\*',\)"):
    transforms.prune_by_score(sgd, [('.*',)])
  with pytest.raises(InputError, match=r'ramp must be a schedule .* got 0\.5'):
    transforms.prune_by_score(sgd, RULES, ramp=0.5)
  with pytest.raises(InputError, match='matches none'):
    transforms.prune_by_score(sgd, [('conv/.*', 1), ('.*', None)]).init(
      params()
    )
