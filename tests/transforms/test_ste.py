"""Straight-through quantization against loops, and its promises."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from prunax import transforms, tree
from prunax.errors import InputError
from prunax.ops import levels
from prunax.transforms.caffe import caffe_sgd

RULES = [('conv/.*', 8), ('ip/.*', 4), ('.*', None)]


def params():
  rng = np.random.default_rng(0)

  def draw(*shape):
    return jnp.asarray(rng.normal(size=shape), jnp.float32)

  kernel = draw(12, 6)
  return {
    'conv': {'kernel': draw(3, 3, 2, 5), 'bias': draw(5)},
    'ip': {
      'kernel': jnp.where(jnp.abs(kernel) < 0.7, 0, kernel).at[:, 2].set(0.0),
      'bias': jnp.array([0.0, 1.0] * 3),
    },
    'free': {'kernel': draw(4, 3)},
  }


def gradient(now, step):
  return jax.tree.map(
    lambda x: jnp.sin(3.0 * x + step + jnp.arange(x.shape[-1])), now
  )


def run(tx, steps, now):
  state, update, history = tx.init(now), jax.jit(tx.update), []
  for t in range(steps):
    updates, state = update(gradient(now, t), state, now)
    now = optax.apply_updates(now, updates)
    history.append(now)
  return history, state


def quantized_by_loops(x, bits):
  """Channel by channel, at the scale that the levels are said to have."""
  scales = np.asarray(levels.channel_scale(jnp.asarray(x), bits)).ravel()
  out = np.zeros_like(x)
  for c, scale in enumerate(scales):
    if scale > 0:
      out[..., c] = np.round(x[..., c] / scale) * scale
  return out


def test_against_loops():
  """The optimizer moves the dense weights by the gradient at the others."""
  tx = transforms.ste(caffe_sgd(0.02, momentum=0.9, weight_decay=0.01), RULES)
  history, state = run(tx, 9, params())
  now = {k: np.array(x) for k, x in tree.named_leaves(params()).items()}
  dense = {k: x.copy() for k, x in now.items()}
  alive = {k: x != 0 if k.startswith('ip') else x == x for k, x in now.items()}
  v = {k: np.zeros_like(x) for k, x in now.items()}
  for t in range(9):
    for k, x in now.items():
      g = alive[k] * np.sin(3.0 * x + t + np.arange(x.shape[-1]))
      v[k] = np.float32(0.9 * v[k] + 0.02 * (g + 0.01 * dense[k]))
      dense[k] = alive[k] * (dense[k] - v[k])
      bits = {'conv/kernel': 8, 'ip/kernel': 4}.get(k)
      now[k] = quantized_by_loops(dense[k], bits) if bits else dense[k]
    for k, x in tree.named_leaves(history[t]).items():
      np.testing.assert_allclose(x, now[k], rtol=1e-4, atol=1e-6, err_msg=k)
  for k, x in tree.named_leaves(state.dense).items():
    np.testing.assert_allclose(x, dense[k], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
  'optimizer',
  [optax.sgd(0.05, momentum=0.9), optax.adam(0.03), optax.lion(0.1)],
)
def test_what_counts_is_on_its_levels_exactly(optimizer):
  history, state = run(transforms.ste(optimizer, RULES), 12, params())
  for name, bits in (('conv', 8), ('ip', 4)):
    wanted = levels.uniform(state.dense[name]['kernel'], bits)
    got = history[-1][name]['kernel']
    chex.assert_trees_all_equal(got, wanted)
    for channel in np.moveaxis(np.asarray(got), -1, 0):
      assert len(np.unique(channel)) <= 2**bits - 1
  assert not (history[-1]['conv']['kernel'] == params()['conv']['kernel']).any()


def test_scales_that_are_powers_of_two():
  tx = transforms.ste(optax.sgd(0.05), RULES, scale_digits=1)
  kernel = np.asarray(run(tx, 5, params())[0][-1]['ip']['kernel'])
  # Multiples up to 7 of a power have three binary digits.
  in_digits = np.ldexp(np.frexp(kernel)[0], 3)
  np.testing.assert_array_equal(in_digits, np.round(in_digits))
  assert len(np.unique(kernel)) > 3


def test_gradual_then_ste_keeps_the_zeros():
  rules = [('.*/kernel', 0.3), ('.*', None)]
  pruning = optax.chain(optax.sgd(0.02), transforms.gradual(rules, every=1))
  pruned = run(pruning, 3, params())[0][-1]
  history, _ = run(transforms.ste(optax.adam(0.05), RULES), 8, pruned)
  for now in history:
    for a, b in zip(tree.count(pruned), tree.count(now), strict=True):
      assert b.alive <= a.alive, a.name
    for x, y in zip(jax.tree.leaves(pruned), jax.tree.leaves(now), strict=True):
      assert not np.asarray(y)[np.asarray(x) == 0].any()
  assert tree.count(pruned)[1].alive == 27
  assert tree.count(history[-1])[1].alive > 20


def test_dead_weights_do_not_stretch_the_scale():
  """What decay or momentum would do to a zero never reaches its channel."""
  start = {'ip': {'kernel': jnp.array([[1.0], [0.0]])}}
  tx = transforms.ste(optax.sgd(1.0), [('.*', 4)])
  grads = {'ip': {'kernel': jnp.array([[0.0], [-1e6]])}}
  updates, state = tx.update(grads, tx.init(start), start)
  after = optax.apply_updates(start, updates)['ip']['kernel']
  np.testing.assert_allclose(after, [[1.0], [0.0]], rtol=2**-11)
  assert state.dense['ip']['kernel'].tolist() == [[1.0], [0.0]]


def test_mistakes_are_told():
  for bits in (1, 9):
    said = rf"the bits of the rule '\.\*' must be 2 to 8, got {bits}"
    with pytest.raises(InputError, match=said):
      transforms.ste(optax.sgd(0.1), [('.*', bits)])
  for digits in (2, 13):
    said = f'scale_digits must be 1, .* or 12, got {digits}'
    with pytest.raises(InputError, match=said):
      transforms.ste(optax.sgd(0.1), RULES, scale_digits=digits)
  with pytest.raises(InputError, match=r"the rule '\.\*' must be a whole"):
    transforms.ste(optax.sgd(0.1), [('.*', 4.5)])
  with pytest.raises(InputError, match='matches none'):
    transforms.ste(optax.sgd(0.1), [('fc/.*', 4), ('.*', None)]).init(params())
  tx = transforms.ste(optax.sgd(0.1), RULES)
  with pytest.raises(ValueError, match='ste must see the weights'):
    tx.update(params(), tx.init(params()))


def test_it_goes_around_an_optimizer():
  with pytest.raises(InputError, match='ste must go around an optimizer'):
    transforms.ste(None, RULES)


def test_kernels_must_be_finite_floats():
  tx = transforms.ste(optax.sgd(0.1), [('.*', 4)])
  for value in (np.nan, np.inf):
    broken = {'a': {'kernel': jnp.array([[1.0, value]]), 'bias': jnp.ones(2)}}
    with pytest.raises(InputError, match=r"finite weights, .* leaf 'a/kernel'"):
      tx.init(broken)
  with pytest.raises(InputError, match="got int32 in 'a'"):
    tx.init({'a': jnp.ones((2, 2), jnp.int32)})
  # Biases are not quantized.
  tx.init({'a': jnp.array([1.0, jnp.inf])})


@pytest.mark.parametrize('rules', [4, {'.*': 4}, [('.*', 4, 1)], ['.*'], [4]])
def test_rules_that_are_none(rules):
  with pytest.raises(InputError, match=r'must be (a pair|pairs) of a pattern'):
    transforms.ste(optax.sgd(0.1), rules)
