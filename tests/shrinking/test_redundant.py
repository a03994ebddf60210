"""COP's choice, against the loop that its paper's code runs."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import prunax
from prunax import shrinking
from prunax.errors import InputError

WIDTHS = (5, 9, 12, 7, 4)


def network():
  rng = np.random.default_rng(3)
  return {
    f'l{i}': rng.normal(size=(a, b)).astype(np.float32)
    for i, (a, b) in enumerate(itertools.pairwise(WIDTHS))
  }


def apply(variables, x):
  for i in range(len(WIDTHS) - 2):
    x = jax.nn.relu(x @ variables[f'l{i}'])
  return x @ variables[f'l{len(WIDTHS) - 2}']


def correlation(a, b):
  a, b = a - a.mean(), b - b.mean()
  return abs((a * b).mean() / (a.std() * b.std() + 1e-8))


def loop(net, target, beta, gamma, top_k=3):
  """The channels that are left of each hidden layer, by the paper's rules."""
  kernels = [np.asarray(net[name], np.float64) for name in sorted(net)]
  tables = []
  for w in kernels[1:]:
    r = np.array([[correlation(a, b) for b in w] for a in w])
    np.fill_diagonal(r, 0)
    tables.append(r / r.max())
  alive = [np.ones(len(r), bool) for r in tables]

  def widths():
    return [WIDTHS[0], *(int(a.sum()) for a in alive), WIDTHS[-1]]

  def flops():
    w = widths()
    return sum(2 * a * b for a, b in itertools.pairwise(w))

  while flops() > target:
    w = widths()
    pairs = list(itertools.pairwise(w))
    work = [2 * a * b for a, b in pairs]
    size = [a * b + b for a, b in pairs]
    c, p = (
      np.log2([x[i] + x[i + 1] for i in range(len(alive))])
      for x in (work, size)
    )
    best = None
    for i, (r, left) in enumerate(zip(tables, alive, strict=True)):
      if left.sum() == 1:
        continue
      for j in np.flatnonzero(left):
        others = sorted(r[j, k] for k in np.flatnonzero(left) if k != j)
        found = np.mean(others[::-1][:top_k])
        worth = 1 - found + beta * (1 - c[i] / c.max())
        worth += gamma * (1 - p[i] / p.max())
        if best is None or worth < best[0]:
          best = worth, i, j
    alive[best[1]][best[2]] = False
  return alive


@pytest.mark.parametrize(
  'beta, gamma', [(0.0, 0.0), (3.0, 0.0), (0.0, 3.0), (1.0, 1.0)]
)
@pytest.mark.parametrize('density', [0.7, 0.4])
def test_the_choice_is_that_of_the_loop(beta, gamma, density):
  net, x = network(), np.ones((1, WIDTHS[0]), np.float32)
  whole = sum(prunax.spent(apply, net, x).values())
  report = prunax.shrink(
    apply, net, x, density=density, score=shrinking.cop(beta=beta, gamma=gamma)
  ).report
  want = loop(net, density * whole, beta, gamma)
  for i, alive in enumerate(want):
    got = report.plan.kept.get(f'l{i}', {}).get(1, np.ones(len(alive), bool))
    # What went last comes back where it fits.
    assert not (alive & ~got).any()
    assert (got & ~alive).sum() <= 2
  assert report.after['flops'] <= density * whole


def test_of_two_that_are_the_same_one_stays():
  def model(v, x):
    return jnp.tanh(x @ v['a']) @ v['b']

  rng = np.random.default_rng(0)
  b = rng.normal(size=(6, 5)).astype(np.float32)
  b[1] = b[0]
  v = {'a': rng.normal(size=(3, 6)).astype(np.float32), 'b': b}
  kept = prunax.shrink(
    model,
    v,
    np.ones((1, 3), np.float32),
    density=5 / 6,
    score=shrinking.cop(top_k=1),
  ).report.plan.kept['a'][1]
  assert kept.tolist() == [False, *[True] * 5]


def test_layers_may_be_left_out_of_the_mean():
  def model(v, x):
    h = jnp.tanh(x @ v['a'])
    return h @ v['main'], h @ v['shortcut']

  rng = np.random.default_rng(0)
  shapes = {'a': (3, 6), 'main': (6, 5), 'shortcut': (6, 5)}
  v = {k: rng.normal(size=s).astype(np.float32) for k, s in shapes.items()}
  group = prunax.channels(model, v, np.ones((1, 3), np.float32))[0]
  both, one, none = (
    shrinking.cop(without=pattern)(v, group)
    for pattern in (None, 'shortcut', '.*')
  )
  assert not np.allclose(both, one)
  np.testing.assert_allclose(both, none)
  alone = {**v, 'shortcut': v['main']}
  np.testing.assert_allclose(one, shrinking.cop()(alone, group))


def test_the_release_cuts_3079_of_the_channels_that_vgg16_reads():
  from prunax import models

  model = models.get('vgg16_cifar10')
  variables = jax.eval_shape(model.init, jax.random.key(0))
  x = jax.ShapeDtypeStruct((1, 32, 32, 3), np.float32)
  read = prunax.spent(model.apply, variables, x, budget='cop_inputs')
  dense = {'dense1/kernel', 'dense2/kernel'}
  parts = [
    int(0.65 * sum(n for name, n in read.items() if (name in dense) == side))
    for side in (False, True)
  ]
  assert parts == [2414, 665]
  # Without the colours of the images.
  assert sum(read.values()) - 3 == 4736


def test_a_weight_is_at_least_zero():
  with pytest.raises(InputError, match='beta must'):
    shrinking.cop(beta=-1.0)


@pytest.mark.parametrize('density', [0.8, 0.6, 0.4])
def test_counts_are_multiples_or_all(density):
  v = {'a': (5, 10), 'b': (10, 10), 'c': (10, 4)}
  rng = np.random.default_rng(0)
  v = {k: rng.normal(size=s).astype(np.float32) for k, s in v.items()}

  def model(v, x):
    return jnp.tanh(jnp.tanh(x @ v['a']) @ v['b']) @ v['c']

  kept = prunax.shrink(
    model,
    v,
    np.ones((1, 5), np.float32),
    density=density,
    score='cop',
    round_to=4,
  ).report.kept
  assert {kept['a'], kept['b']} <= {4, 8, 10}


@pytest.mark.parametrize(
  'settings, named',
  [
    ({'top_k': 0}, 'top_k'),
    ({'top_k': 1.5}, 'top_k'),
    ({'without': '('}, 'without'),
    ({'measure': 'x'}, 'measure'),
    ({'normalize': 'x'}, 'normalize'),
  ],
)
def test_settings_are_refused_at_once(settings, named):
  with pytest.raises(InputError, match=f'^{named} must'):
    shrinking.cop(**settings)


def test_weights_that_are_no_numbers_are_named():
  net = network()
  net['l1'][0, 0] = np.nan
  with pytest.raises(InputError, match='others than finite ones'):
    prunax.shrink(
      apply, net, np.ones((1, 5), np.float32), density=0.5, score='cop'
    )
