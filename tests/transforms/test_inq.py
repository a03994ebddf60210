"""INQ against plain loops, and its promises."""

import itertools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from prunax import transforms, tree
from prunax.errors import InputError
from prunax.transforms.caffe import caffe_sgd
from prunax.transforms.surgery import Surgery

RULES = [('.*', 7)]
PORTIONS = (0.3, 0.6, 0.8, 1.0)


def params(pruned=False):
  rng = np.random.default_rng(0)

  def draw(*shape):
    return rng.normal(size=shape).astype('float32')

  kernel = draw(12, 10)
  if pruned:
    kernel[np.abs(kernel) < 1.0] = 0.0
  weights = {
    'conv': {'kernel': draw(3, 3, 2, 5), 'bias': draw(5)},
    'ip': {'kernel': kernel, 'bias': draw(10) * np.float32([0, 1] * 5)},
  }
  return jax.tree.map(jnp.asarray, weights)


def gradients(step):
  rng = np.random.default_rng(step + 100)
  return jax.tree.map(
    lambda x: jnp.asarray(rng.normal(size=x.shape), jnp.float32), params()
  )


def run(tx, steps, now):
  """The weights after each step, and the last state."""
  state, update, history = tx.init(now), jax.jit(tx.update), []
  for t in range(steps):
    updates, state = update(gradients(t), state, now)
    now = optax.apply_updates(now, updates)
    history.append(now)
  return history, state


def is_power(x):
  return (x != 0) & (np.abs(np.frexp(np.asarray(x))[0]) == 0.5)


def quantized_by_loops(w, free, size, portion, n1, cut):
  """One portion of one array, weight by weight, in place."""
  places = sorted(np.flatnonzero(free), key=lambda i: -abs(w[i]))
  left = int(np.floor(size * (1 - portion) + 0.5 + 1e-9))
  now = places[: max(len(places) - left, 0)]
  if n1 is None and now:
    n1 = int(np.floor(np.log2(4 * abs(float(w[now[0]])) / 3)))
  for i in now:
    v, n2 = float(w[i]), n1 - 6
    e = int(np.floor(np.log2(4 * abs(v) / 3)))
    lowest = 0.5 * 2.0**n2 if cut == 'paper' else 0.75 * 2.0**n2
    power = 2.0 ** min(max(e, n2), n1)
    w[i] = np.copysign(power, v) if abs(v) >= lowest else 0.0
    free[i] = False
  return n1


@pytest.mark.parametrize('cut', ['paper', 'seed'])
@pytest.mark.parametrize('pruned', [False, True])
def test_against_loops_whose_velocity_is_masked(cut, pruned):
  """V <- T (mu V + rate g), w <- w - V, as the released layers have it."""
  start = params(pruned)
  tx = optax.chain(
    caffe_sgd(0.05, momentum=0.9, weight_decay=0.01),
    transforms.inq(
      RULES, every=3, portions=PORTIONS, zero_cut=cut, biases=True
    ),
  )
  history, state = run(tx, 12, start)
  names = tree.leaf_names(start)
  w = [np.array(x).ravel() for x in jax.tree.leaves(start)]
  pairs = zip(names, w, strict=True)
  free = [x != 0 if pruned and 'ip' in n else x == x for n, x in pairs]
  sizes = [int(f.sum()) for f in free]
  v, n1 = [np.zeros_like(x) for x in w], [None] * len(w)
  for t in range(12):
    grads = [np.asarray(g).ravel() for g in jax.tree.leaves(gradients(t))]
    if t % 3 == 0:
      before = [x.copy() for x in w]
      for i in range(len(w)):
        n1[i] = quantized_by_loops(
          w[i], free[i], sizes[i], PORTIONS[t // 3], n1[i], cut
        )
    for i, g in enumerate(grads):
      # The gradient and the decay are those before the weights were moved.
      old = before[i] if t % 3 == 0 else w[i]
      v[i] = free[i] * np.float32(0.9 * v[i] + 0.05 * (g + 0.01 * old))
      w[i] = w[i] - v[i]
    for x, want in zip(jax.tree.leaves(history[t]), w, strict=True):
      np.testing.assert_allclose(np.ravel(x), want, rtol=2e-5, atol=1e-6)
  assert transforms.highest_exponents(state) == dict(
    zip(names, n1, strict=True)
  )
  for name, x in tree.named_leaves(history[-1]).items():
    assert (is_power(x) | (np.asarray(x) == 0)).all(), name


@pytest.mark.parametrize('optimizer', [optax.adamw(0.1), optax.lion(0.05)])
def test_what_is_quantized_stands_still_and_the_rest_moves(optimizer):
  tx = optax.chain(optimizer, transforms.inq(RULES, every=4))
  history, _ = run(tx, 20, params(pruned=True))
  start = params(pruned=True)
  for leaf in ('conv', 'ip'):
    kernels = [np.asarray(x[leaf]['kernel']) for x in history]
    alive = np.count_nonzero(start[leaf]['kernel'])
    for n, portion in enumerate(PORTIONS):
      still = np.ones(kernels[0].shape, bool)
      for x in kernels[4 * n :]:
        still &= x.view('int32') == kernels[4 * n].view('int32')
      still &= np.asarray(start[leaf]['kernel']) != 0
      assert still.sum() == alive - int(alive * (1 - portion) + 0.5)
      assert (is_power(kernels[4 * n]) | (kernels[4 * n] == 0))[still].all()
  biases = [np.asarray(x['conv']['bias']) for x in history]
  assert all((a != b).all() for a, b in itertools.pairwise(biases))
  assert not np.asarray(history[-1]['ip']['bias'])[::2].any()


def test_exponents_of_a_kernel_are_k_at_most():
  # Weights that outgrow the range of the first portion.
  growing = optax.chain(optax.scale(-3.0), transforms.inq(RULES, every=5))
  history, state = run(growing, 20, params())
  highest = transforms.highest_exponents(state)
  assert set(highest) == {'conv/kernel', 'ip/kernel'}
  for name, n1 in highest.items():
    x = np.abs(tree.named_leaves(history[-1])[name])
    assert x.max() == 2.0**n1
    assert x[x > 0].min() >= 2.0 ** (n1 - 6)
    first = np.abs(tree.named_leaves(history[0])[name])
    # What was quantized first holds the range, so it could be read back.
    assert np.max(first[is_power(first)]) == 2.0**n1
  assert np.abs(history[14]['ip']['kernel']).max() > 2 ** (highest['ip/kernel'])


def test_each_takes_the_range_anew():
  tx = optax.chain(
    optax.scale(-3.0), transforms.inq(RULES, every=5, exponents='each')
  )
  history, state = run(tx, 16, params())
  largest = float(jnp.max(jnp.abs(history[14]['ip']['kernel'])))
  want = int(np.floor(np.log2(4 * largest / 3)))
  assert transforms.highest_exponents(state)['ip/kernel'] == want
  assert jnp.max(jnp.abs(history[15]['ip']['kernel'])) == 2.0**want


def test_a_rule_of_none_is_trained_only():
  rules = [('conv/.*', 3), ('.*', None)]
  tx = optax.chain(optax.sgd(0.01), transforms.inq(rules, every=1))
  history, state = run(tx, 6, params())
  assert transforms.highest_exponents(state).keys() == {'conv/kernel'}
  conv = np.abs(history[-1]['conv']['kernel'])
  assert is_power(conv)[conv > 0].all() and len(np.unique(conv)) <= 4
  ip = [np.asarray(x['ip']['kernel']) for x in history]
  assert not is_power(ip[-1]).any() and (ip[-1] != ip[-2]).all()


def test_quantizing_at_once_is_a_training_that_stands_still():
  start = params(pruned=True)
  tx = optax.chain(optax.set_to_zero(), transforms.inq(RULES, every=2))
  history, state = run(tx, 7, start)
  at_once, there = transforms.quantize(start, RULES, PORTIONS)
  chex.assert_trees_all_equal(history[-1], at_once)
  chex.assert_trees_all_equal(state[1].free, there.free)
  in_one, _ = transforms.quantize(start, RULES)
  chex.assert_trees_all_equal(in_one, at_once)


def test_an_array_of_zeros_waits_for_its_range():
  start = params()
  start['conv']['bias'] = jnp.zeros(5)
  tx = optax.chain(optax.sgd(0.1), transforms.inq(RULES, every=2, biases=True))
  history, state = run(tx, 7, start)
  bias = np.asarray(history[-1]['conv']['bias'])
  assert (is_power(bias) | (bias == 0)).all()
  assert is_power(bias).sum() >= 3
  largest = np.log2(np.abs(bias).max())
  assert transforms.highest_exponents(state)['conv/bias'] == largest


def test_a_range_that_was_never_found_is_not_told():
  nothing = {'a': jnp.zeros((2, 2)), 'b': jnp.array([[0.3, -5.0]])}
  weights, state = transforms.quantize(nothing, [('.*', 7)])
  chex.assert_trees_all_equal(weights['a'], nothing['a'])
  assert transforms.highest_exponents(state) == {'b': 2}


@pytest.mark.parametrize('kind', [np.float16, np.float32, np.float64])
def test_portions_may_be_numbers_of_numpy(kind):
  given = tuple(kind(p) for p in PORTIONS)
  tx, same = (
    transforms.inq(RULES, every=1, portions=p) for p in (given, PORTIONS)
  )
  for got, want in zip(
    run(tx, 5, params())[0], run(same, 5, params())[0], strict=True
  ):
    chex.assert_trees_all_equal(got, want)


def test_surgery_then_inq_keeps_the_zeros():
  rules = [('.*', Surgery(c_rate=0.5, gamma=0.1))]
  surgery = transforms.dns(optax.sgd(0.05), rules, jax.random.key(0))
  pruned = run(surgery, 5, params())[0][-1]
  gone = jax.tree.map(lambda x: x == 0, pruned)
  tx = optax.chain(
    optax.adam(0.05), transforms.inq(RULES, every=3, biases=True)
  )
  history, _ = run(tx, 12, pruned)
  for now in history:
    for x, g in zip(jax.tree.leaves(now), jax.tree.leaves(gone), strict=True):
      assert not np.asarray(x)[np.asarray(g)].any()
  assert 20 < int(gone['ip']['kernel'].sum()) < 110


@pytest.mark.parametrize(
  ('changes', 'message'),
  [
    ({'every': 0}, 'every must be a whole number of at least 1, got 0'),
    ({'portions': ()}, 'portions must be a list of numbers'),
    ({'portions': 0.5}, 'portions must be a list of numbers, got 0.5'),
    ({'portions': (0.6, 0.3, 1.0)}, 'portions must rise from above 0'),
    ({'portions': (0.0, 1.0)}, 'portions must rise from above 0'),
    ({'portions': (0.5, 1.5)}, 'portions must rise from above 0'),
    ({'portions': (0.5,)}, r'portions must end at 1, got \(0.5,\)'),
    ({'portions': ('all',)}, 'each of the portions must be a finite'),
    ({'zero_cut': 'none'}, "zero_cut must be one of paper, seed, got 'none'"),
    ({'biases': 'x'}, "biases must be True or False, got 'x'"),
    ({'biases': 1}, 'biases must be True or False, got 1'),
    ({'exponents': 'kept'}, "one of first, each, got 'kept'"),
    ({'rules': [('.*', 0)]}, "exponents of the rule '.*' must be a whole"),
    ({'rules': [('.*', 2.5)]}, "exponents of the rule '.*' must be a whole"),
    ({'rules': 7}, 'rules must be pairs .* got 7'),
    ({'rules': {'.*': 7}}, 'rules must be pairs'),
    (
      {'rules': [('.*', 7, 1)]},
      r"every rule must be a pair .*, got \('.\*', 7",
    ),
    ({'rules': ['.*']}, r"every rule must be a pair .*, got '.\*'"),
  ],
)
def test_mistakes_are_told(changes, message):
  settings = {'rules': RULES, 'every': 5, **changes}
  with pytest.raises(InputError, match=message):
    transforms.inq(**settings)


def test_rules_that_match_nothing_are_told():
  with pytest.raises(InputError, match=r"'fc/.*' matches none"):
    transforms.inq([('fc/.*', 7), ('.*', None)], every=1).init(params())
  with pytest.raises(ValueError, match='inq must see the weights'):
    tx = transforms.inq(RULES, every=1)
    tx.update(params(), tx.init(params()))


@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_refused(value):
  broken = {'a': jnp.ones((2, 2)), 'b': jnp.array([[1.0, value]])}
  tx = transforms.inq([('.*', 7)], every=1)
  with pytest.raises(InputError, match=r"inq must get finite .* leaf 'b'"):
    tx.init(broken)
  # What is not quantized may be anything, and so may what is not known yet.
  transforms.inq([('a', 7), ('b', None)], every=1).init(broken)
  jax.jit(tx.init)(broken)


@pytest.mark.parametrize('dtype', [jnp.int32, jnp.bool_, jnp.complex64])
def test_kernels_that_are_no_floats_are_refused(dtype):
  whole = {'a': jnp.ones((2, 2), dtype)}
  said = r"must get real floats .* in 'a'"
  with pytest.raises(InputError, match=f'^quantize {said}'):
    transforms.quantize(whole, [('.*', 7)])
  with pytest.raises(InputError, match=f'^inq {said}'):
    transforms.inq([('.*', 7)], every=1).init(whole)


@pytest.mark.parametrize('dtype', ['float16', 'bfloat16', 'float32'])
def test_the_largest_numbers_become_the_highest_power(dtype):
  info = jnp.finfo(dtype)
  x = jnp.array([[info.max, -info.max, 1.0]], dtype)
  weights, state = transforms.quantize({'a': x}, [('.*', 200)])
  highest = int(state.highest['a'])
  assert highest == info.maxexp - 1
  wanted = np.array([2.0**highest, -(2.0**highest), 1.0])
  np.testing.assert_array_equal(np.asarray(weights['a'][0], float), wanted)
