"""Runs that cut channels: models that get smaller between stages."""

import jax
import numpy as np
import pytest

from prunax import InputError, convert, models, weights
from prunax.cut_models import stored_model
from prunax.record import read_metrics
from prunax.runs import Run
from prunax.stages import perform, rehearse
from prunax.stages.types import Task

CUT = {
  'stages': ('filters', 'finetune'),
  'filters': {'kind': 'filters', 'density': 0.5, 'score': 'cop'},
  'dense.steps': 30,
  'finetune.steps': 20,
  'surgery': None,
  'gradual': None,
}


@pytest.fixture(scope='module')
def done(small, tmp_path_factory):
  config = small.make(CUT)
  run = Run(config, tmp_path_factory.mktemp('cut'))
  return config, run, run.execute()


def tree_of(run, stage, name):
  return convert.load(run.folder.artifact(stage, name)).tree


def test_the_arrays_are_smaller_from_the_cut_on(done):
  _, run, summary = done
  before, cut, tuned = (
    tree_of(run, i, name)
    for i, name in enumerate(('dense', 'filters', 'finetune'))
  )
  shapes = [jax.tree.map(np.shape, x) for x in (before, cut, tuned)]
  assert shapes[0] != shapes[1] == shapes[2]
  kept, size = summary['stages'][1]['channels']['ip1/kernel']
  assert shapes[1]['ip1'] == {'bias': (kept,), 'kernel': (784, kept)}
  assert kept < size == 300
  row = summary['stages'][1]
  assert 0.495 <= row['after']['flops'] / row['before']['flops'] <= 0.5
  assert row['frr'] >= 0.5


def test_its_numbers_are_over_the_whole_network(done):
  *_, summary = done
  last = summary['stages'][-1]
  assert last['size'] == 266_610
  assert last['ratio'] == last['size'] / last['alive'] > 1.9


def test_what_it_ended_with_is_evaluated_and_read_by_its_plan(done):
  _, run, summary = done
  score = run.evaluate()
  want = summary['stages'][-1]['error_percent']
  assert 100 * score['errors'] / score['count'] == want
  path = run.folder.packed
  loaded = weights.load(path)
  cut = stored_model(models.get('lenet300100'), loaded.meta, path)
  x = np.ones((2, *cut.input_shape), np.float32)
  assert cut.apply(loaded.tree, x).shape == (2, 10)
  again = stored_model(models.get('lenet300100'), loaded.meta, 'elsewhere')
  assert cut is again


def test_it_goes_on_after_the_cut(done, tmp_path):
  config, run, summary = done
  again = Run(config, tmp_path)
  again.folder.artifact_folder.mkdir(parents=True)
  for i, name in enumerate(('dense', 'filters')):
    source = run.folder.artifact(i, name)
    again.folder.artifact(i, name).write_bytes(source.read_bytes())
  again.folder.config.write_bytes(run.folder.config.read_bytes())
  got = again.execute()
  assert got['stages'][-1]['alive'] == summary['stages'][-1]['alive']
  jax.tree.map(
    np.testing.assert_array_equal,
    tree_of(again, 2, 'finetune'),
    tree_of(run, 2, 'finetune'),
  )
  stages = {line['stage'] for line in read_metrics(again.folder.metrics)}
  assert stages == {'finetune'}


def test_a_network_is_cut_in_steps(small, tmp_path):
  part = {'kind': 'filters', 'density': 0.7}
  tune = {**small.make()['finetune'], 'steps': 4}
  config = small.make(
    CUT,
    {
      'stages': ('filters', 'finetune', 'more', 'again'),
      'filters': part,
      'more': part,
      'again': tune,
      'finetune': tune,
      'dense.steps': 10,
    },
  )
  run = Run(config, tmp_path)
  stages = run.execute()['stages']
  first, second = stages[1], stages[3]
  assert second['before']['flops'] == first['after']['flops']
  total = second['after']['flops'] / first['before']['flops']
  assert 0.48 < total <= 0.49
  # Of the whole network, of which the file tells both cuts.
  assert stages[-1]['size'] == 266_610
  assert run.evaluate()['count'] == 360


def test_a_dense_start_is_taken_from_another_run(done, small, tmp_path):
  _, run, _ = done
  config = small.make(CUT, {'filters.score': 'l2'})
  other = Run(config, tmp_path / 'other')
  summary = other.execute(dense_from=run.folder.path)
  jax.tree.map(
    np.testing.assert_array_equal,
    tree_of(other, 0, 'dense'),
    tree_of(run, 0, 'dense'),
  )
  stages = {line['stage'] for line in read_metrics(other.folder.metrics)}
  assert stages == {'finetune'}
  # The time that it took is told all the same.
  assert summary['stages'][0]['seconds'] > 0


@pytest.mark.parametrize(
  'change, named', [({'seed': 5}, 'seed'), ({'dense.steps': 31}, 'dense')]
)
def test_another_dense_start_is_refused(done, small, tmp_path, change, named):
  _, run, _ = done
  other = Run(small.make(CUT, change), tmp_path / 'other')
  with pytest.raises(InputError, match=f'differs in {named}: name a run'):
    other.execute(dense_from=run.folder.path)


def test_a_folder_without_a_run_gives_no_start(small, tmp_path):
  other = Run(small.make(CUT), tmp_path / 'other')
  with pytest.raises(InputError, match='name the folder of a run'):
    other.execute(dense_from=tmp_path / 'nothing')


@pytest.mark.parametrize(
  'settings, sentence',
  [
    ({'density': 1.5}, 'density must be above 0 and at most 1'),
    ({}, 'density must be given unless the score is pfa_kl'),
    ({'density': 0.5, 'score': 'pfa_kl'}, 'pfa_kl must have no density'),
    ({'score': 'pfa_kl', 'steps': 2}, 'pfa_kl must have no density'),
    ({'density': 0.5, 'score': 'cop', 'score_settings': {'bta': 1}}, 'got bta'),
    ({'density': 0.5, 'score_settings': {'top_k': 1}}, 'settings none, got'),
    ({'density': 0.5, 'examples': 0}, 'examples must'),
    ({'density': 0.5, 'reconstruct': {'step': 3}}, 'steps and rate alone'),
    ({'density': 0.5, 'rules': ['conv']}, 'every rule must be a pair'),
    ({'density': 0.5, 'score': 'l7'}, 'score must be one of .*, got .l7.'),
    ({'density': 0.5, 'budget': 'watts'}, 'budget must be one of'),
    ({'density': 0.5, 'scope': 'here'}, 'scope must be one of'),
    ({'density': 1e-4}, 'the budget must be at least 0.00299'),
    ({'density': 0.5, 'rules': [('.*', None)]}, 'channels that may be cut'),
    ({'density': 0.5, 'rules': [('ip9', 0.1), ('.*', 1.0)]}, 'matches none of'),
    ({'density': 0.5, 'rules': [('.*', 1.5)]}, 'density of .ip1/kernel.'),
    ({'density': 0.5, 'score': 'bn_scale'}, 'a norm with a scale'),
    ({'density': 0.5, 'reconstruct': {'steps': 0}}, 'steps must be a whole'),
    ({'density': 0.5, 'reconstruct': {'rate': -1}}, 'rate must be above 0'),
    (
      {'density': 0.5, 'score': 'fpgm_mix', 'score_settings': {'norm_part': 7}},
      'norm_part must be from 0 to 1',
    ),
    (
      {'density': 0.5, 'score': 'taylor', 'score_settings': {'squared': 'no'}},
      'squared must be True or False',
    ),
  ],
)
def test_a_cut_that_cannot_be_is_refused_before_the_run(settings, sentence):
  stage = {'kind': 'filters', **settings}
  with pytest.raises(InputError, match=sentence):
    rehearse('filters', models.get('lenet300100'), stage)


@pytest.mark.parametrize('score', ['nre', 'pfa', 'pfa_kl'])
def test_a_score_that_cannot_see_a_layer_is_refused_before_the_run(score):
  stage = {'kind': 'filters', 'score': score}
  if score != 'pfa_kl':
    stage['density'] = 0.5
  sentence = f"{score} must see a product that reads 'conv1/kernel'"
  with pytest.raises(InputError, match=sentence):
    rehearse('filters', models.get('lenet5'), stage)
  if score != 'pfa_kl':
    # Rules cover the last layer too, which is never cut.
    rules = [('conv.*', None), ('ip.*', 1.0)]
    stage.update(density=0.9, rules=rules)
    rehearse('filters', models.get('lenet5'), stage)


def test_a_later_cut_is_not_judged_by_the_uncut_model(small, tmp_path):
  config = small.make({'stages': ('first', 'second')})
  config['first'] = {
    'kind': 'filters',
    'density': 0.5,
    'rules': (('ip1/.*', 0.01), ('.*', 1.0)),
  }
  config['second'] = {
    'kind': 'filters',
    'density': 0.1,
    'rules': (('ip1/.*', None), ('.*', 1.0)),
  }
  Run(config, tmp_path)


@pytest.mark.parametrize(
  'settings',
  [
    {'score': 'random'},
    {'score': 'taylor', 'examples': 20},
    {'score': 'pfa', 'examples': 20},
    {'score': 'nre', 'examples': 20, 'reconstruct': {'steps': 3}},
    {'score': 'cop', 'score_settings': {'gamma': 3.0}},
    {'score': 'fpgm', 'scope': 'layer'},
    {'score': 'fpgm_mix', 'score_settings': {'norm_part': 0.2}},
  ],
)
def test_every_score_cuts_within_the_budget(done, settings):
  _, run, _ = done
  examples = run.feed.examples
  task = Task(run.model, lambda *a: None, examples, run.feed.constraint)
  outcome = perform(
    'filters',
    task,
    tree_of(run, 0, 'dense'),
    jax.random.key(0),
    {'density': 0.5, **settings},
  )
  facts = outcome.facts
  assert 0.49 <= facts['after']['flops'] / facts['before']['flops'] <= 0.5
  assert list(outcome.plan.shapes) == list(models.shapes(run.model))


def test_a_score_looks_at_no_more_examples_than_there_are(done):
  _, run, _ = done
  examples = run.feed.examples
  task = Task(run.model, lambda *a: None, examples, run.feed.constraint)
  settings = {'density': 0.5, 'score': 'pfa', 'examples': 10_000}
  with pytest.raises(InputError, match='look at fewer'):
    perform(
      'filters', task, tree_of(run, 0, 'dense'), jax.random.key(0), settings
    )
