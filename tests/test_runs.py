"""A run in its folder: what it leaves, and what it refuses."""

import json

import numpy as np
import pytest
from tensorboardX.proto.event_pb2 import Event

from prunax import codec, convert, data, models, tree
from prunax.errors import InputError
from prunax.record import read_metrics
from prunax.runs import Run

STAGES = ('dense', 'surgery', 'gradual', 'finetune')


def contents(folder):
  """Every file below a folder, and when it was written."""
  return {
    path.relative_to(folder): (path.read_bytes(), path.stat().st_mtime_ns)
    for path in folder.rglob('*')
    if path.is_file()
  }


@pytest.fixture(scope='module')
def finished(tmp_path_factory, small):
  """The small experiment, done: its run, its summary."""
  run = Run(small.make(), tmp_path_factory.mktemp('runs') / 'small')
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
    variables, meta, _ = convert.load(path)
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


def test_another_config_is_refused(finished, small):
  run, _ = finished
  before = contents(run.folder.path)
  other = small.make({'seed': 5, 'surgery.steps': 70})
  with pytest.raises(InputError) as e:
    Run(other, run.folder.path).execute()
  assert 'seed (0 there, 5 here)' in str(e.value)
  assert 'surgery.steps (60 there, 70 here)' in str(e.value)
  assert contents(run.folder.path) == before


def test_a_run_ends_with_its_small_file(finished, weights):
  run, summary = finished
  stored, meta = codec.load(run.folder.packed)
  last = weights[summary['stages'][-1]['stage']]
  for name, x in tree.named_leaves(stored).items():
    np.testing.assert_array_equal(x, last[name])
  assert meta['model'] == run.model.name
  row = summary['stages'][-1]
  assert row['bytes'] == run.folder.packed.stat().st_size
  assert row['ratio_bytes'] == 4 * row['size'] / row['bytes']
