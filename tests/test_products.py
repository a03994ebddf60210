"""Each method that quantizes goes on from each method that prunes.

What is zero stays zero, what is left obeys the second method's law, and the
file gives back every bit and counts the values.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from prunax import codec, packing, schedules, transforms, tree
from prunax.convert import Loaded
from prunax.ops import levels, masks
from prunax.ops.snapping import snapped

KERNELS = '.*/kernel'
# Exponents of a power of two, levels of a codebook, bits of a whole number.
EXPONENTS, LEVELS, BITS = 4, 6, 4


def network():
  rng = np.random.default_rng(0)

  def draw(*shape):
    return jnp.asarray(rng.normal(size=shape), jnp.float32)

  return {
    'conv': {'kernel': draw(3, 3, 2, 8), 'bias': draw(8)},
    'ip': {'kernel': draw(32, 12), 'bias': draw(12)},
  }


def train(tx, params, steps):
  @jax.jit
  def step(params, state, t):
    grads = jax.tree.map(
      lambda x: jnp.sin(3 * x + t + jnp.arange(x.shape[-1])), params
    )
    updates, state = tx.update(grads, state, params)
    return optax.apply_updates(params, updates), state

  state = tx.init(params)
  for t in range(steps):
    params, state = step(params, state, jnp.float32(t))
  return params


def on_kernels(function, params):
  return jax.tree.map(
    lambda x: jnp.asarray(function(x)) if tree.is_kernel(x) else x, params
  )


def dns(params):
  rules = [('.*', transforms.Surgery(c_rate=0.5))]
  tx = transforms.dns(optax.sgd(0.1), rules, jax.random.key(0))
  return train(tx, params, 6)


def gradual(params):
  density = schedules.density_ramp(1.0, 0.3, begin=0, end=4)
  tx = transforms.gradual([(KERNELS, density), ('.*', None)], every=2)
  return train(optax.chain(optax.sgd(0.1), tx), params, 6)


def by_score(params):
  rules = [(KERNELS, 120), ('.*', None)]
  tx = transforms.prune_by_score(optax.sgd(0.1), rules, every=2)
  return train(tx, params, 6)


def once(params):
  return on_kernels(
    lambda w: jnp.where(masks.sparse_ratio(w, 0.7), w, 0), params
  )


def inq(params):
  tx = transforms.inq(
    [(KERNELS, EXPONENTS), ('.*', None)], every=2, portions=(0.4, 1.0)
  )
  return train(optax.chain(optax.sgd(0.1), tx), params, 4)


def tie(params):
  shared = on_kernels(lambda w: snapped(w, LEVELS), params)
  tx = optax.chain(
    transforms.tie([(KERNELS, LEVELS), ('.*', None)]),
    optax.adam(0.01),
    transforms.keep_zeros(),
  )
  return train(tx, shared, 4)


def ste(params):
  tx = transforms.ste(optax.sgd(0.1), [(KERNELS, BITS), ('.*', None)])
  return train(tx, params, 4)


def even(params):
  return on_kernels(lambda w: levels.uniform(w, BITS), params)


def powers_of_two(x):
  """Whether what is alive is a power of two, of so many exponents."""
  fractions, exponents = np.frexp(np.abs(x[x != 0]))
  return (fractions == 0.5).all() and np.ptp(exponents) < EXPONENTS


def few_levels(x):
  return len(set(x.ravel().tolist()) - {0.0}) <= LEVELS


def whole_multiples(x):
  """Whether each channel holds whole multiples of a part of its largest."""
  channels = x.reshape(-1, x.shape[-1])
  top = 2 ** (BITS - 1) - 1
  scale = np.abs(channels).max(0) / np.float32(top)
  steps = channels / np.where(scale > 0, scale, np.float32(1))
  return (steps == np.round(steps)).all()


PRUNING = {'dns': dns, 'gradual': gradual, 'by_score': by_score, 'once': once}
QUANTIZING = {
  'inq': (inq, powers_of_two),
  'tie': (tie, few_levels),
  'ste': (ste, whole_multiples),
  'even': (even, whole_multiples),
}


@pytest.fixture(scope='module', params=PRUNING)
def pruned(request):
  """A pruned network, and a layer of which nothing is left."""
  return PRUNING[request.param](network()) | {
    'gone': {'kernel': jnp.zeros((12, 5)), 'bias': jnp.zeros(5)}
  }


@pytest.mark.parametrize('method', QUANTIZING)
def test_what_was_pruned_stays_and_obeys(method, pruned, tmp_path):
  quantize, law = QUANTIZING[method]
  before = tree.named_leaves(jax.tree.map(np.asarray, pruned))
  quantized = quantize(pruned)
  # What is below the first level is rounded to -0 where no loop adds to it.
  after = jax.tree.map(lambda x: np.asarray(x) + np.float32(0), quantized)
  for name, x in tree.named_leaves(after).items():
    assert not x[before[name] == 0].any(), name
    if name in ('conv/kernel', 'ip/kernel'):
      assert 0.1 < np.mean(before[name] != 0) < 0.5
      assert np.count_nonzero(x) > np.count_nonzero(before[name]) / 2
      assert law(x) and not law(before[name]), name
  said = packing.pack(Loaded(after, {}, None), tmp_path / 'a.prx')
  _check_file(tmp_path / 'a.prx', after, said['leaves'])


def _check_file(path, weights, said):
  """The file holds these weights, and what was told of it is right."""
  found = tree.named_leaves(codec.load(path)[0])
  wanted = tree.named_leaves(weights)
  assert found.keys() == wanted.keys() == {leaf['name'] for leaf in said}
  for leaf in said:
    x = wanted[leaf['name']]
    assert found[leaf['name']].dtype == x.dtype
    assert found[leaf['name']].tobytes() == x.tobytes()
    alive = [value for value in x.ravel().tolist() if value]
    assert (leaf['alive'], leaf['values']) == (len(alive), len(set(alive)))
