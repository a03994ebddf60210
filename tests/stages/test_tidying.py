"""Tidying: the outputs stay, however small, and a chain that lies is told."""

import jax
import numpy as np
import pytest

from prunax import data, tree
from prunax.errors import InputError
from prunax.models import Model
from prunax.stages.tidying import tidy
from prunax.stages.types import Task
from prunax.train import Examples


def net(size):
  """Two hidden layers of six; `size` scales the outputs."""
  rng = np.random.default_rng(0)

  def layer(rows, columns):
    kernel = rng.normal(size=(rows, columns))
    kernel[rng.random(kernel.shape) < 0.5] = 0
    return {'kernel': kernel.astype(np.float32)}

  return {
    'a': layer(5, 6),
    'b': layer(6, 6),
    'c': {'kernel': layer(6, 3)['kernel'] * np.float32(size)},
  }


def apply(variables, x, train=False, rngs=None):
  for name in 'ab':
    x = jax.nn.relu(x @ variables[name]['kernel'])
  return x @ variables['c']['kernel']


@pytest.fixture
def task():
  x = np.random.default_rng(1).normal(size=(40, 5)).astype(np.float32)
  y = np.zeros(40, np.int32)
  examples = Examples(x, y, lambda x: x, lambda step, n: y[:n])
  model = Model('three', lambda key: net(1), apply, (5,), 3)
  return Task(model, None, examples, data.Split(x, y))


SIZES = [1e-9, 1.0, 1e9]


@pytest.mark.parametrize('size', SIZES)
def test_units_are_ordered_and_the_outputs_stay(task, size):
  before, x = net(size), task.examples.x
  chain = [('a', 'b'), ('b', 'c')]
  after, facts, _ = tidy(task, before, jax.random.key(0), chain=chain)
  wanted, found = apply(before, x), apply(after, x)
  np.testing.assert_allclose(found, wanted, atol=1e-5 * np.abs(wanted).max())
  alive = [sum(n.alive for n in tree.count(v)) for v in (before, after)]
  assert facts == {'unused': alive[0] - alive[1]}
  assert not np.array_equal(after['a']['kernel'], before['a']['kernel'])


@pytest.mark.parametrize('size', SIZES)
def test_a_chain_that_changes_the_outputs_is_refused(task, size):
  # The units of `a` lead to `b`, not to `c`.
  with pytest.raises(InputError, match='mend the chain'):
    tidy(task, net(size), jax.random.key(0), chain=[('a', 'c')])


def test_outputs_that_cannot_be_compared_are_refused(task):
  broken = net(1.0)
  broken['c']['kernel'][0, 0] = np.nan
  with pytest.raises(InputError, match='nan apart'):
    tidy(task, broken, jax.random.key(0), chain=[('b', 'c')])
