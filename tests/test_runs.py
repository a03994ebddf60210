"""A run in its folder: what it leaves, and what it refuses."""

import copy
import json
import pathlib

import jax
import numpy as np
import pytest
from tensorboardX.proto.event_pb2 import Event

from prunax import convert, data, models, plan, tree
from prunax.errors import InputError
from prunax.record import read_metrics
from prunax.runs import Run

STAGES = ('dense', 'surgery', 'gradual', 'finetune')


def changed(config, changes):
  """The config with other values under dotted names."""
  config = copy.deepcopy(config)
  for name, value in changes.items():
    *parents, last = name.split('.')
    node = config
    for part in parents:
      node = node[part]
    if value is None:
      del node[last]
    else:
      node[last] = value
  return config


def short(config, **changes):
  """A dense training of six steps."""
  return changed(
    config, {'stages': (), 'dense.steps': 6, 'block': 3, **changes}
  )


def contents(folder):
  """Every file below a folder, and when it was written."""
  return {
    path.relative_to(folder): (path.read_bytes(), path.stat().st_mtime_ns)
    for path in folder.rglob('*')
    if path.is_file()
  }


@pytest.fixture(scope='module')
def finished(tmp_path_factory, make_small):
  """The small experiment, done: its run, its summary."""
  run = Run(make_small(), tmp_path_factory.mktemp('runs') / 'small')
  return run, run.execute()


@pytest.fixture(scope='module')
def weights(finished):
  """What each stage gave: names to arrays, by the stage's name."""
  run, _ = finished
  return {
    path.stem.split('-')[1]: tree.named_leaves(convert.load(path).tree)
    for path in run.folder.artifacts()
  }


@pytest.fixture(scope='module')
def metrics(finished):
  run, _ = finished
  return list(read_metrics(run.folder.metrics))


def forward(leaves, x):
  """LeNet-300-100 in NumPy."""
  x = x.reshape(len(x), -1).astype(np.float32) / 256
  for layer in ('ip1', 'ip2', 'ip3'):
    x = x @ leaves[f'{layer}/kernel'] + leaves[f'{layer}/bias']
    x = x if layer == 'ip3' else np.maximum(x, 0)
  return np.argmax(x, -1)


def test_one_artifact_a_stage_tells_where_it_is_from(finished):
  run, _ = finished
  names = [path.name for path in run.folder.artifacts()]
  assert names == [f'{i}-{name}.npz' for i, name in enumerate(STAGES)]
  for path, name in zip(run.folder.artifacts(), STAGES, strict=True):
    variables, meta = convert.load(path)
    assert tree.leaf_names(variables) == list(models.shapes(run.model))
    seconds, facts = meta.pop('seconds'), meta.pop('facts')
    assert seconds > 0
    assert list(facts) == (['spliced'] if name == 'surgery' else [])
    assert set(meta.pop('versions')) >= {'prunax', 'jax', 'optax', 'numpy'}
    assert meta == {
      'model': 'lenet300100',
      'data': 'digits',
      'config': 'small',
      'stage': name,
      'seed': 0,
      'sizes': models.sizes(run.model),
    }


def test_the_summary_counts_what_the_artifacts_hold(finished, weights):
  run, summary = finished
  assert json.loads(run.folder.summary.read_text()) == summary
  assert list(summary) == [
    'config',
    'seed',
    'stages',
    'wall_seconds',
    'versions',
  ]
  assert (summary['config'], summary['seed']) == ('small', 0)
  assert summary['wall_seconds'] == sum(r['seconds'] for r in summary['stages'])
  assert [row['stage'] for row in summary['stages']] == list(STAGES)
  for row in summary['stages']:
    leaves = weights[row['stage']]
    kernels = [x for x in leaves.values() if x.ndim == 2]
    alive = sum(np.count_nonzero(x) for x in leaves.values())
    kept = sum(np.count_nonzero(x) for x in kernels)
    assert (row['size'], row['alive']) == (266_610, alive)
    assert row['ratio'] == 266_610 / alive
    assert row['ratio_weights'] == sum(x.size for x in kernels) / kept
    assert [layer['name'] for layer in row['layers']] == ['ip1', 'ip2', 'ip3']
    assert sum(layer['alive'] for layer in row['layers']) == alive


def test_errors_are_those_of_a_forward_pass_in_numpy(finished, weights):
  run, summary = finished
  x, y = data.load('digits').test
  for row in summary['stages']:
    wrong = np.sum(forward(weights[row['stage']], x) != y)
    assert row['error_percent'] == pytest.approx(100 * wrong / len(y))
  # Far from guessing, so the stages learned and kept something.
  assert summary['stages'][-1]['error_percent'] < 30
  with np.load(run.folder.predictions) as file:
    guesses = file['predictions']
  np.testing.assert_array_equal(guesses, forward(weights['finetune'], x))


def test_evaluate_reads_the_last_artifact(finished):
  run, summary = finished
  score = run.evaluate()
  assert (score['count'], score['accuracy']) == (
    360,
    1 - score['errors'] / 360,
  )
  last = summary['stages'][-1]
  assert last['error_percent'] == 100 * score['errors'] / 360


def test_metrics_have_a_line_a_block(metrics):
  steps = [
    (line['stage_index'], line['stage'], line['step']) for line in metrics
  ]
  wanted = [
    (i, name, step)
    for i, name in enumerate(STAGES)
    for step in range(10, 61, 10)
  ]
  assert steps == [*wanted[:-1], (3, 'finetune', 55)]
  for line in metrics:
    assert list(line)[3:] == ['loss', 'accuracy', 'density', 'layers']
    assert line['loss'] > 0
    assert 0 <= line['accuracy'] <= 1


def test_metrics_tell_the_density_of_every_layer(metrics, weights):
  last = {line['stage']: line for line in metrics}
  for stage, leaves in weights.items():
    for layer, density in last[stage]['layers'].items():
      kernel, bias = leaves[f'{layer}/kernel'], leaves[f'{layer}/bias']
      alive = np.count_nonzero(kernel) + np.count_nonzero(bias)
      assert density == alive / (kernel.size + bias.size)
    alive = sum(np.count_nonzero(x) for x in leaves.values())
    assert last[stage]['density'] == alive / 266_610


def test_every_stage_prunes_as_it_should(weights):
  def density(stage, layer):
    kernel = weights[stage][f'{layer}/kernel']
    return np.count_nonzero(kernel) / kernel.size

  for layer in ('ip1', 'ip2', 'ip3'):
    assert density('dense', layer) == 1
    assert density('surgery', layer) < 0.5
    assert density('gradual', layer) == pytest.approx(0.1, abs=1e-3)
    for after, before in (('gradual', 'surgery'), ('finetune', 'gradual')):
      zeros = weights[before][f'{layer}/kernel'] == 0
      assert not weights[after][f'{layer}/kernel'][zeros].any()
    # Finetuning trains all that is alive.
    a, b = (weights[s][f'{layer}/kernel'] for s in ('gradual', 'finetune'))
    assert (a != b).sum() > 0.9 * np.count_nonzero(a)


def test_what_came_back_is_reported(finished):
  _, summary = finished
  reported = {
    row['stage']: row['spliced']
    for row in summary['stages']
    if 'spliced' in row
  }
  assert list(reported) == ['surgery']
  assert list(reported['surgery']) == ['ip1', 'ip2', 'ip3']
  assert sum(reported['surgery'].values()) > 0


def test_tensorboard_has_every_metric_at_every_block(finished, metrics):
  run, _ = finished
  seen = {}
  for path in run.folder.events.iterdir():
    content, at = path.read_bytes(), 0
    while at < len(content):
      length = int.from_bytes(content[at : at + 8], 'little')
      event = Event.FromString(content[at + 12 : at + 12 + length])
      at += 16 + length
      for value in event.summary.value:
        seen[event.step, value.tag] = value.simple_value
  before = {'dense': 0, 'surgery': 60, 'gradual': 120, 'finetune': 180}
  wanted = {}
  for line in metrics:
    at = before[line['stage']] + line['step']
    for name in ('loss', 'accuracy', 'density'):
      wanted[at, name] = np.float32(line[name])
    for layer, density in line['layers'].items():
      wanted[at, f'layers/{layer}'] = np.float32(density)
  assert seen == wanted


def test_a_finished_run_is_not_run_again(finished):
  run, summary = finished
  before = contents(run.folder.path)
  assert Run(run.config, run.folder.path).execute() == summary
  assert contents(run.folder.path) == before


def test_another_config_is_refused(finished, small_config):
  run, _ = finished
  before = contents(run.folder.path)
  other = changed(small_config, {'seed': 5, 'surgery.steps': 70})
  with pytest.raises(InputError) as e:
    Run(other, run.folder.path).execute()
  assert 'seed (0 there, 5 here)' in str(e.value)
  assert 'surgery.steps (60 there, 70 here)' in str(e.value)
  assert contents(run.folder.path) == before


def test_overwrite_starts_anew_and_ends_the_same(tmp_path, small_config):
  run = Run(short(small_config), tmp_path)
  run.execute()
  first = contents(tmp_path)
  Run(short(small_config), tmp_path).execute(overwrite=True)
  second = contents(tmp_path)
  artifact = pathlib.Path('artifacts/0-dense.npz')
  assert first[artifact][1] != second[artifact][1]
  metrics = pathlib.Path('metrics.jsonl')
  assert first[metrics][0] == second[metrics][0]
  assert first[metrics][1] != second[metrics][1]


@pytest.mark.parametrize('overwrite', [False, True])
def test_a_strangers_folder_is_refused_untouched(
  tmp_path, small_config, overwrite
):
  (tmp_path / 'thesis.tex').write_text('mine')
  before = contents(tmp_path)
  with pytest.raises(InputError, match='name another --workdir'):
    Run(short(small_config), tmp_path).execute(overwrite)
  assert contents(tmp_path) == before


def test_the_seed_decides_the_run(tmp_path, small_config):
  results = []
  for i, seed in enumerate((0, 0, 1)):
    run = Run(short(small_config, seed=seed), tmp_path / str(i))
    run.execute()
    results.append(convert.load(run.folder.last_artifact()).tree)
  jax.tree.map(np.testing.assert_array_equal, results[0], results[1])
  assert np.any(results[0]['ip1']['kernel'] != results[2]['ip1']['kernel'])


def test_a_validation_split_is_scored_after_each_block(tmp_path, small_config):
  run = Run(short(small_config, **{'data.validation': 100}), tmp_path)
  assert len(run.dataset.train.y) == 1437 - 100
  run.execute()
  lines = list(read_metrics(run.folder.metrics))
  assert len(lines) == 2
  for line in lines:
    assert line['validation_accuracy'] * 100 == pytest.approx(
      round(line['validation_accuracy'] * 100)
    )
  variables = tree.named_leaves(convert.load(run.folder.last_artifact()).tree)
  whole = data.load('digits')
  _, held = data.split_validation(whole, 100, 0)
  right = np.mean(forward(variables, held.x) == held.y)
  assert lines[-1]['validation_accuracy'] == pytest.approx(right)


def test_without_the_models_a_dense_start_is_trained_and_said(
  tmp_path, small_config, monkeypatch
):
  monkeypatch.delenv('PRUNAX_MODELS_DIR', raising=False)
  config = short(small_config, start='lenet300100_reference')
  run = Run(config, tmp_path)
  assert run.names == ['dense']
  assert 'PRUNAX_MODELS_DIR is not set' in run.note
  assert 'lenet300100_reference' in run.note
  assert Run(short(small_config), tmp_path).note == ''
  assert run.execute()['stages'][0]['stage'] == 'dense'
  # With the models at hand it would be another run.
  monkeypatch.setenv('PRUNAX_MODELS_DIR', str(tmp_path))
  (tmp_path / 'lenet300100_reference.caffemodel').touch()
  with pytest.raises(InputError, match='start'):
    Run(config, tmp_path).execute()


@pytest.mark.parametrize('by_config', [False, True])
def test_the_released_model_is_the_start(
  tmp_path, small_config, models_dir, monkeypatch, by_config
):
  if by_config:
    monkeypatch.delenv('PRUNAX_MODELS_DIR')
  config = short(
    small_config,
    start='lenet300100_reference',
    models_dir=str(models_dir) if by_config else '',
  )
  run = Run(config, tmp_path)
  assert (run.names, run.note) == (['start'], '')
  summary = run.execute()
  assert [row['stage'] for row in summary['stages']] == ['start']
  assert summary['stages'][0]['from'] == 'lenet300100_reference'
  file = models_dir / 'lenet300100_reference.caffemodel'
  jax.tree.map(
    np.testing.assert_array_equal,
    convert.load(run.folder.last_artifact()).tree,
    convert.load(file).tree,
  )
  # Where the file lies is no part of the run.
  assert 'models_dir' not in json.loads(run.folder.config.read_text())


def test_the_start_may_be_any_file(tmp_path, small_config, finished):
  before, _ = finished
  file = before.folder.last_artifact()
  run = Run(short(small_config, start=str(file)), tmp_path)
  run.execute()
  jax.tree.map(
    np.testing.assert_array_equal,
    convert.load(run.folder.last_artifact()).tree,
    convert.load(file).tree,
  )


def test_a_start_of_another_model_is_refused(tmp_path, small_config):
  file = tmp_path / 'other.npz'
  convert.npz.save(file, {'ip1': {'kernel': np.ones((3, 2))}}, {})
  with pytest.raises(InputError, match=r'other\.npz must fit the model'):
    Run(short(small_config, start=str(file)), tmp_path / 'run').execute()


def test_a_start_that_is_missing_leaves_no_folder(tmp_path, small_config):
  config = short(small_config, start='nothing', models_dir=str(tmp_path))
  with pytest.raises(InputError, match=r'nothing\.caffemodel, which does not'):
    Run(config, tmp_path / 'run').execute()
  assert not (tmp_path / 'run').exists()


def test_a_damaged_artifact_is_named(tmp_path, small_config):
  run = Run(short(small_config), tmp_path)
  run.execute()
  path = run.folder.last_artifact()
  path.write_bytes(path.read_bytes()[:1000])
  with pytest.raises(InputError, match='0-dense'):
    run.evaluate()
  run.folder.summary.unlink()
  with pytest.raises(InputError, match='0-dense'):
    Run(short(small_config), tmp_path).execute()
  path.unlink()
  assert Run(short(small_config), tmp_path).execute()['stages']


def test_nothing_to_evaluate_is_one_sentence(tmp_path, small_config):
  with pytest.raises(InputError, match='must hold the artifact of a run'):
    Run(short(small_config), tmp_path / 'none').evaluate()


REFUSED = [
  ({'model': 'resnet50'}, "'resnet50'"),
  ({'data.name': 'cifar'}, "'cifar'"),
  ({'data.order': 'random'}, "'random'"),
  ({'data.batch': 0}, 'batch'),
  ({'data.batch': 1438}, '1437'),
  ({'data.validation': -1}, '-1'),
  ({'data.validation': 1437}, '1437'),
  ({'seed': -1}, 'seed'),
  ({'block': 0}, "'block'"),
  ({'checkpoint_every': 0}, "'checkpoint_every'"),
  ({'checkpoint_every': None}, "'checkpoint_every'"),
  ({'block': True}, "'block'"),
  ({'data.batch': None}, "'data.batch'"),
  ({'data': 'digits'}, "'data'"),
  ({'name': '../x'}, "'name'"),
  ({'stages': 'finetune'}, "'stages'"),
  ({'stages': ('quantize',)}, "'quantize'"),
  ({'stages': ('a/b',)}, "'a/b'"),
  ({'stages': ('seed',)}, "'seed'"),
  ({'finetune.kind': None}, 'kind'),
  ({'finetune.kind': 'quantize'}, "'quantize'"),
  ({'finetune.steps': 0}, "'finetune.steps'"),
  ({'finetune.steps': 1.5}, "'finetune.steps'"),
  ({'finetune.steps': None}, 'steps'),
  ({'finetune.rules': ()}, "'rules'"),
  ({'finetune.optimizer': 'sgd'}, "'finetune'"),
  ({'finetune.optimizer.name': 'sgdm'}, "'sgdm'"),
  ({'finetune.optimizer.momentun': 0.9}, 'momentun'),
  ({'finetune.optimizer.schedule': {'policy': 'fix'}}, "'fix'"),
  ({'finetune.optimizer.iter_size': 0}, 'iter_size'),
  ({'surgery.rules': (('conv.*', {}), ('.*', None))}, "'conv.*'"),
  ({'surgery.rules': (('ip1/.*', {}),)}, "'ip2/bias'"),
  ({'surgery.rules': (('(', {}),)}, "'('"),
  ({'surgery.rules': 5}, "'surgery'"),
  ({'surgery.rules': (('.*', {'density': 0.0}),)}, 'density'),
  ({'surgery.rules': (('.*', {'crate': 1.0}),)}, 'crate'),
  ({'surgery.band': (1.1, 0.9)}, 'band'),
  ({'gradual.rules': (('.*', 1.5),)}, '1.5'),
  ({'gradual.every': 0}, 'every'),
  ({'surgery.note': {1, 2}}, 'set'),
]


@pytest.mark.parametrize(('changes', 'named'), REFUSED)
def test_a_bad_config_is_one_sentence_before_anything_is_done(
  tmp_path, small_config, changes, named
):
  with pytest.raises(InputError) as e:
    Run(changed(small_config, changes), tmp_path / 'run').execute()
  assert named in str(e.value)
  assert '\n' not in str(e.value)
  assert not (tmp_path / 'run').exists()


def save_npz(path, shape, classes):
  rng = np.random.default_rng(0)
  x = rng.integers(0, 255, (40, *shape)).astype(np.uint8)
  np.savez(path, x=x, y=np.arange(40) % classes)


@pytest.mark.parametrize(
  ('shape', 'classes', 'named'),
  [((32, 32, 3), 10, '(28, 28, 1)'), ((28, 28), 11, '11 classes')],
)
def test_data_that_the_model_cannot_learn_are_refused(
  tmp_path, small_config, shape, classes, named
):
  save_npz(tmp_path / 'mine.npz', shape, classes)
  changes = {'data.name': str(tmp_path / 'mine.npz'), 'data.batch': 4}
  with pytest.raises(InputError) as e:
    Run(short(small_config, **changes), tmp_path / 'run')
  assert named in str(e.value)
  assert 'mine.npz' in str(e.value)


def test_data_of_ones_own_are_learned(tmp_path, small_config):
  save_npz(tmp_path / 'mine.npz', (784,), 3)
  changes = {'data.name': str(tmp_path / 'mine.npz'), 'data.batch': 4}
  run = Run(short(small_config, **changes), tmp_path / 'run')
  assert run.execute()['stages'][0]['alive'] > 0


def test_a_training_that_diverges_names_the_step_and_the_checkpoint(
  tmp_path, small_config
):
  schedule = {
    'policy': 'multistep',
    'base': 0.01,
    'gamma': 1e30,
    'stepvalues': (26,),
  }
  changes = {
    'dense.steps': 60,
    'checkpoint_every': 6,
    'dense.optimizer.schedule': schedule,
  }
  config = short(small_config, **changes)
  for _ in range(2):
    # The second time it goes on from the checkpoint, which is still good.
    with pytest.raises(InputError) as e:
      Run(config, tmp_path).execute()
    good = tmp_path / 'checkpoints' / '0-00000024'
    assert 'at step 27 ' in str(e.value)
    assert "'dense'" in str(e.value)
    assert str(good) in str(e.value)
    lines = list(read_metrics(tmp_path / 'metrics.jsonl'))
    assert [line['step'] for line in lines] == list(range(3, 28, 3))
    assert all(np.isfinite(line['loss']) for line in lines)


def test_identity_leaves_out_where_the_files_lie(small_config, monkeypatch):
  monkeypatch.delenv('PRUNAX_MODELS_DIR', raising=False)
  one = changed(small_config, {'start': 'x', 'models_dir': '/a'})
  other = changed(
    small_config, {'start': 'x', 'models_dir': '/b', 'data.dir': '/c'}
  )
  assert plan.identity(one) == plan.identity(other)
  alone = changed(small_config, {'start': 'x'})
  assert plan.identity(alone)['start'] == ''
  assert plan.identity(alone) != plan.identity(one)
