"""The stages that make channels small before they are cut."""

import jax
import numpy as np
import optax
import pytest

from prunax import InputError, convert
from prunax.runs import Run
from prunax.stages import perform
from prunax.stages.types import Task

SGD = {
  'name': 'sgd',
  'momentum': 0.9,
  'schedule': {'policy': 'fixed', 'base': 0.05},
}


@pytest.fixture(scope='module')
def start(small, tmp_path_factory):
  """A run whose dense stage has ended, and its weights."""
  config = small.make(small.SHORT, {'dense.steps': 60, 'block': 20})
  run = Run(config, tmp_path_factory.mktemp('dense'))
  run.execute()
  return run, convert.load(run.folder.last_artifact()).tree


def perform_on(start, small, tmp_path, stages):
  """The weights after stages that follow the dense start."""
  run, _ = start
  config = small.make(
    small.SHORT,
    {'dense.steps': 60, 'block': 20, 'stages': tuple(stages), **stages},
  )
  after = Run(config, tmp_path)
  summary = after.execute(dense_from=run.folder.path)
  return [convert.load(p).tree for p in after.folder.artifacts()], summary


def test_slim_draws_what_is_ruled_to_zero(start, small, tmp_path):
  rules = (('ip2/kernel', 0.01), ('.*', None))
  settings = {'steps': 40, 'optimizer': SGD}
  stages = {
    'slim': {'kind': 'slim', **settings, 'rules': rules},
  }
  (_, slim), _ = perform_on(start, small, tmp_path / 'slim', stages)
  plain = {'finetune': {'kind': 'finetune', **settings}}
  (_, tuned), _ = perform_on(start, small, tmp_path / 'plain', plain)
  sizes = [np.abs(x['ip2']['kernel']).mean() for x in (slim, tuned)]
  assert sizes[0] < 0.7 * sizes[1]
  others = [np.abs(x['ip1']['kernel']).mean() for x in (slim, tuned)]
  assert others[0] > 0.9 * others[1]


@pytest.mark.parametrize('score, revive', [('l2', True), ('fpgm', False)])
def test_soft_ends_with_what_filters_then_cuts(
  start, small, tmp_path, score, revive
):
  stages = {
    'soft': {
      'kind': 'soft',
      'steps': 40,
      'every': 20,
      'optimizer': SGD,
      'density': 0.4,
      'score': score,
      'revive': revive,
    },
    'filters': {'kind': 'filters', 'density': 0.4, 'scope': 'layer'},
  }
  (_, soft, cut), summary = perform_on(start, small, tmp_path, stages)
  channels = summary['stages'][2]['channels']
  for layer in ('ip1', 'ip2'):
    alive = np.flatnonzero(soft[layer]['kernel'].any(0))
    kept, size = channels[f'{layer}/kernel']
    assert len(alive) == kept < size
    np.testing.assert_array_equal(
      cut[layer]['bias'], soft[layer]['bias'][alive]
    )


def test_the_last_update_must_zero(start):
  run, variables = start
  examples, held = run.feed.examples, run.feed.constraint
  task = Task(run.model, lambda *a: None, examples, held)
  settings = {'steps': 50, 'every': 20, 'optimizer': SGD, 'density': 0.4}
  with pytest.raises(InputError, match='steps must be a multiple of every'):
    perform('soft', task, variables, jax.random.key(0), settings)


@pytest.mark.parametrize('every', [0, -1, 1.5])
def test_every_is_a_whole_number(start, every):
  run, variables = start
  examples, held = run.feed.examples, run.feed.constraint
  task = Task(run.model, lambda *a: None, examples, held)
  settings = {'steps': 50, 'every': every, 'optimizer': SGD, 'density': 0.4}
  with pytest.raises(InputError, match='every must'):
    perform('soft', task, variables, jax.random.key(0), settings)


def test_channels_of_several_kernels_are_left_alone(start):
  run, _ = start

  def apply(v, x, train=False, rngs=None):
    x = x.reshape(len(x), -1)[:, :6]
    h = x @ v['a']['kernel']
    h = h + jax.nn.relu(h @ v['u']['kernel']) @ v['b']['kernel']
    return h @ v['c']['kernel']

  shapes = {'a': (6, 8), 'u': (8, 8), 'b': (8, 8), 'c': (8, 10)}
  rng = np.random.default_rng(0)
  v = {k: {'kernel': rng.normal(size=s).astype('f')} for k, s in shapes.items()}
  seen = []

  def fit(variables, tx, steps, key, hook=None):
    state = tx.init(variables)
    still = jax.tree.map(np.zeros_like, variables)
    updates, _ = tx.update(still, state, variables)
    seen.append(optax.apply_updates(variables, updates))
    return seen[-1], state

  model = run.model._replace(apply=apply, statistics=None)
  task = Task(model, fit, run.feed.examples, run.feed.constraint)
  settings = {'steps': 20, 'every': 20, 'optimizer': SGD, 'density': 0.3}
  perform('soft', task, v, jax.random.key(0), settings)
  (after,) = seen
  assert after['a']['kernel'].any(0).all()
  assert after['b']['kernel'].any(0).all()
  assert 0 < after['u']['kernel'].any(0).sum() < 8
