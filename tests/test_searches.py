"""Searches between steps: in a stage, and as one call."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import prunax
from prunax import convert, data, evaluation, searches, train, tree
from prunax.errors import InputError
from prunax.record import read_metrics
from prunax.runs import Run
from prunax.search.settings import settings as search_settings
from prunax.search.settings import sigma_at

OLMP = {
  'stages': ('olmp',),
  'data.constraint': 200,
  'dense.steps': 200,
  'olmp': {
    'kind': 'olmp',
    'steps': 60,
    'optimizer': {
      'name': 'caffe_sgd',
      'schedule': {'policy': 'fixed', 'base': 0.01},
    },
    'rules': (('.*', {'c_rate': 0.001, 'gamma': 1e-3, 'iter_stop': 40}),),
    'every': 15,
    'delta': 0.05,
    'search': 'cma_es',
    'generations': 6,
  },
}


def make(small, **settings):
  made = small.make({k: v for k, v in OLMP.items() if k != 'olmp'})
  made['olmp'] = OLMP['olmp'] | settings
  return made


def executed(small, folder, **settings):
  run = Run(make(small, **settings), folder)
  return run, run.execute()


@pytest.fixture(scope='module')
def finished(small, tmp_path_factory):
  return executed(small, tmp_path_factory.mktemp('olmp') / 'run')


def records(run):
  return [x['hook'] for x in read_metrics(run.folder.metrics) if 'hook' in x]


def test_every_search_is_recorded(finished):
  run, summary = finished
  found = records(run)
  assert [r['step'] for r in found] == [0, 15, 30]
  for r in found:
    assert r['feasible'] and r['accuracy'] >= r['floor'] - 1e-6
    assert r['floor'] == pytest.approx(r['reference'] - 0.05)
    assert r['evaluations'] == 61
    assert r['c_rate'].keys() == r['threshold'].keys() == {'ip1', 'ip2', 'ip3'}
    assert all(t > 0 for t in r['threshold'].values())
  # The reference is one and the same: that of the starting weights.
  assert len({r['reference'] for r in found}) == 1
  assert [r['alive'] for r in found] == sorted(
    (r['alive'] for r in found), reverse=True
  )
  row = summary['stages'][-1]
  expected = {'count': 3, 'evaluations': 183, 'infeasible': 0}
  assert row['searches'] == expected
  assert row['ratio'] > 2 and row['alive'] >= row['effective'] > 0
  assert {'lost', 'won', 'p'} == row['mcnemar'].keys()
  assert 'searches' not in summary['stages'][0]


def test_the_reference_is_the_accuracy_of_the_start(finished):
  run, _ = finished
  start = convert.load(run.folder.artifact(0, 'dense')).tree
  x, y = run.feed.constraint
  logits = run.model.apply(start, data.scale(x), train=False)
  right = np.mean(np.argmax(logits, -1) == y)
  assert records(run)[0]['reference'] == pytest.approx(float(right))


def test_the_same_seed_gives_the_same_bits(finished, small, tmp_path):
  run, _ = finished
  again, _ = executed(small, tmp_path / 'run')
  one, two = (
    tree.named_leaves(convert.load(r.folder.artifact(1, 'olmp')).tree)
    for r in (run, again)
  )
  for name in one:
    assert one[name].tobytes() == two[name].tobytes()
  assert records(run) == records(again)


def test_searches_count_updates_not_micro_batches(small, tmp_path):
  optimizer = OLMP['olmp']['optimizer'] | {'iter_size': 2}
  run, summary = executed(
    small, tmp_path / 'run', optimizer=optimizer, every=10, until=21
  )
  assert [r['step'] for r in records(run)] == [0, 20, 40]
  assert summary['stages'][-1]['ratio'] > 2


def test_a_search_needs_two_drawn_layers(small, tmp_path):
  # A chance of 1 at the first search, then nearly none.
  rules = (('.*', {'c_rate': 0.001, 'gamma': 1e6, 'iter_stop': 40}),)
  run, summary = executed(
    small, tmp_path / 'run', rules=rules, layers='drawn', steps=35
  )
  assert [r['evaluations'] for r in records(run)] == [61, 0, 0]
  assert summary['stages'][-1]['searches']['count'] == 1


def test_a_resumed_training_searches_again_what_it_had_begun(small):
  """From the checkpoint before a search, and from the one in a later block."""
  run = Run(make(small), 'unused')
  model, examples = run.model, run._settings.examples
  key = jax.random.key(0)
  params = model.init(key)
  rules = OLMP['olmp']['rules']
  tx = prunax.dns(optax.sgd(0.01), rules, key)
  hook = searches.searching_hook(
    params,
    rules,
    key,
    evaluation.accuracy_function(model.apply, data.scale),
    lambda step: tuple(run.feed.constraint),
    search_settings({'every': 15, 'generations': 2, 'delta': 0.5}),
  )

  def from_there(start):
    # Copies, since the compiled block consumes what it is given.
    start = jax.tree.map(lambda x: jnp.array(x, copy=True), start)
    for now in train.fit(model.apply, tx, examples, start, 40, 10, key, hook):
      yield jax.tree.map(np.asarray, now._replace(metrics={}))

  whole = list(from_there(train.Progress(0, params, tx.init(params), {})))
  assert [int(now.step) for now in whole] == [10, 15, 20, 30, 40]
  for saved in (1, 2, 3):
    *_, last = from_there(whole[saved]._replace(step=int(whole[saved].step)))
    for a, b in zip(
      jax.tree.leaves(last), jax.tree.leaves(whole[-1]), strict=True
    ):
      np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
  ('allow_empty', 'advice'),
  [
    (False, 'empties a layer: the thresholds stay, with'),
    (True, 'would let it pass'),
  ],
)
def test_an_infeasible_constraint_is_said(
  small, tmp_path, capsys, allow_empty, advice
):
  # Thresholds so high that nearly nothing is left.
  run, summary = executed(
    small,
    tmp_path / 'run',
    rules=(('.*', {'c_rate': 6.0, 'gamma': 1e-3, 'iter_stop': 40}),),
    delta=0.0,
    lower=6.0,
    allow_empty=allow_empty,
    upper=7.0,
  )
  bad = [r for r in records(run) if not r['feasible']]
  assert bad[0]['step'] == 0 and bad[0]['nearest']['delta'] > 0
  assert summary['stages'][-1]['searches']['infeasible'] == len(bad)
  err = capsys.readouterr().err
  assert advice in err
  assert bad[0]['nearest']['emptied'] is not allow_empty
  assert bad[0]['nearest']['ratio'] > 2 > bad[0]['ratio']
  leaves = convert.load(run.folder.artifact(1, 'olmp')).tree
  assert all(np.isfinite(x).all() for x in jax.tree.leaves(leaves))


def test_compat_runs_on_the_minibatch(small, tmp_path):
  run, _ = executed(
    small,
    tmp_path / 'run',
    first=1,
    search='random',
    sigma=((0, 5.0), (20, 0.5)),
    layers='drawn',
    reference='current',
    judged_on='batch',
    allow_empty=True,
    compat=True,
  )
  found = records(run)
  assert [r['step'] for r in found] == [1, 16, 31]
  # A share of 32 images.
  for r in found:
    assert (r['accuracy'] * 32) % 1 == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize(
  ('settings', 'sentence'),
  [
    ({'search': 'nsc'}, "a search must be one of ncs, .*, got 'nsc'"),
    ({'delta': -0.1}, 'delta must be a finite number of at least 0, got -0.1'),
    ({'delta': 1.5}, 'delta must be a fraction from 0 to 1, got 1.5'),
    ({'every': 0}, 'every must be a whole number of at least 1, got 0'),
    ({'layers': 'some'}, "layers must be all or drawn, got 'some'"),
    (
      {'judged_on': 'test'},
      "judged_on must be constraint or batch, got 'test'",
    ),
    ({'popsiez': 3}, 'a search must have the setting .* popsiez'),
    (
      {'rules': (('.*', {'density': 0.5}),)},
      'a search of thresholds must have a layer with a c_rate',
    ),
  ],
)
def test_settings_are_refused_before_any_time_is_spent(
  small, tmp_path, settings, sentence
):
  with pytest.raises(InputError, match=sentence):
    Run(make(small, **settings), tmp_path / 'run')
  assert not (tmp_path / 'run').exists()


def test_a_search_needs_examples_to_judge_on(small, tmp_path):
  made = make(small)
  made['data']['constraint'] = 0
  with pytest.raises(InputError, match=r'such as 3000, as .* data\.constraint'):
    Run(made, tmp_path / 'run')


def test_without_the_start_a_smaller_delta_is_advised(
  small, tmp_path, monkeypatch
):
  monkeypatch.delenv('PRUNAX_MODELS_DIR', raising=False)
  made = make(small) | {'start': 'lenet300100_reference'}
  assert 'a smaller delta' in Run(made, tmp_path).note
  made['stages'] = ()
  assert 'delta' not in Run(made, tmp_path).note


def test_sigma_by_step():
  pairs = ((0, 5.0), (100, 0.5))
  found = [sigma_at(pairs, t) for t in (0, 99, 100, 500)]
  assert found == [5.0, 5.0, 0.5, 0.5]
  assert sigma_at(2.0, 7) == 2.0 and sigma_at(None, 7) is None
  for nothing in (0.0, (*pairs, (200, 0))):
    with pytest.raises(InputError, match='sigma must be'):
      sigma_at(nothing, 500)
  with pytest.raises(InputError, match='must begin at the first search'):
    sigma_at(((5, 1.0),), 0)
