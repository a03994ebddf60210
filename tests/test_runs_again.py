"""A run's start, seed and second call; each a dense training of six steps."""

import json
import pathlib

import jax
import numpy as np
import pytest

from prunax import convert, data, evaluation
from prunax.errors import InputError
from prunax.record import read_metrics
from prunax.runs import Run


def contents(folder):
  """Every file below a folder, and when it was written."""
  return {
    path.relative_to(folder): (path.read_bytes(), path.stat().st_mtime_ns)
    for path in folder.rglob('*')
    if path.is_file()
  }


def test_overwrite_starts_anew_and_ends_the_same(tmp_path, small):
  run = Run(small.make(small.SHORT), tmp_path)
  run.execute()
  first = contents(tmp_path)
  Run(small.make(small.SHORT), tmp_path).execute(overwrite=True)
  second = contents(tmp_path)
  artifact = pathlib.Path('artifacts/0-dense.npz')
  assert first[artifact][1] != second[artifact][1]
  metrics = pathlib.Path('metrics.jsonl')
  assert first[metrics][0] == second[metrics][0]
  assert first[metrics][1] != second[metrics][1]


@pytest.mark.parametrize('overwrite', [False, True])
def test_a_strangers_folder_is_refused_untouched(tmp_path, small, overwrite):
  (tmp_path / 'thesis.tex').write_text('mine')
  before = contents(tmp_path)
  with pytest.raises(InputError, match='name another --workdir'):
    Run(small.make(small.SHORT), tmp_path).execute(overwrite)
  assert contents(tmp_path) == before


def test_the_seed_decides_the_run(tmp_path, small):
  results = []
  for i, seed in enumerate((0, 0, 1)):
    run = Run(small.make(small.SHORT, {'seed': seed}), tmp_path / str(i))
    run.execute()
    results.append(convert.load(run.folder.last_artifact()).tree)
  jax.tree.map(np.testing.assert_array_equal, results[0], results[1])
  assert np.any(results[0]['ip1']['kernel'] != results[2]['ip1']['kernel'])


def test_a_validation_split_is_scored_after_each_block(tmp_path, small):
  run = Run(small.make(small.SHORT, {'data.validation': 100}), tmp_path)
  assert len(run.dataset.train.y) == 1437 - 100
  run.execute()
  lines = list(read_metrics(run.folder.metrics))
  assert len(lines) == 2
  assert 0 < lines[0]['validation_accuracy'] < 1
  variables = convert.load(run.folder.last_artifact()).tree
  _, held = data.split_validation(data.load('digits'), 100, 0)
  guesses = evaluation.predict(run.model.apply, variables, held.x, data.scale)
  assert lines[-1]['validation_accuracy'] == np.mean(guesses == held.y)


def test_without_the_models_a_dense_start_is_trained_and_said(
  tmp_path, small, monkeypatch
):
  monkeypatch.delenv('PRUNAX_MODELS_DIR', raising=False)
  config = small.make(small.SHORT, {'start': 'lenet300100_reference'})
  run = Run(config, tmp_path)
  assert run.names == ['dense']
  assert 'PRUNAX_MODELS_DIR is not set' in run.note
  assert 'lenet300100_reference' in run.note
  assert Run(small.make(small.SHORT), tmp_path).note == ''
  assert run.execute()['stages'][0]['stage'] == 'dense'
  # With the models at hand it would be another run.
  monkeypatch.setenv('PRUNAX_MODELS_DIR', str(tmp_path))
  with pytest.raises(InputError, match="differs in start \\('' there"):
    Run(config, tmp_path).evaluate()


@pytest.mark.parametrize('by_config', [False, True])
def test_the_released_model_is_the_start(
  tmp_path, small, models_dir, monkeypatch, by_config
):
  if by_config:
    monkeypatch.delenv('PRUNAX_MODELS_DIR')
  changes = {
    'start': 'lenet300100_reference',
    'models_dir': str(models_dir) if by_config else '',
  }
  config = small.make(small.SHORT, changes)
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


def test_the_start_may_be_any_file(tmp_path, small):
  before = Run(small.make(small.SHORT), tmp_path / 'before')
  before.execute()
  file = before.folder.last_artifact()
  changes = {'start': str(file), 'seed': 1}
  run = Run(small.make(small.SHORT, changes), tmp_path / 'run')
  run.execute()
  jax.tree.map(
    np.testing.assert_array_equal,
    convert.load(run.folder.last_artifact()).tree,
    convert.load(file).tree,
  )


def test_a_start_of_another_model_is_refused(tmp_path, small):
  file = tmp_path / 'other.npz'
  convert.npz.save(file, {'ip1': {'kernel': np.ones((3, 2))}}, {})
  run = Run(small.make(small.SHORT, {'start': str(file)}), tmp_path / 'run')
  with pytest.raises(InputError, match=r'other\.npz must fit the model'):
    run.execute()


def test_a_start_that_is_missing_leaves_no_folder(tmp_path, small):
  changes = {'start': 'nothing', 'models_dir': str(tmp_path)}
  config = small.make(small.SHORT, changes)
  with pytest.raises(InputError, match=r'nothing\.caffemodel, which does not'):
    Run(config, tmp_path / 'run').execute()
  assert not (tmp_path / 'run').exists()


def test_a_damaged_artifact_is_named(tmp_path, small):
  run = Run(small.make(small.SHORT), tmp_path)
  run.execute()
  path = run.folder.last_artifact()
  path.write_bytes(path.read_bytes()[:1000])
  with pytest.raises(InputError, match='0-dense'):
    run.evaluate()
  run.folder.summary.unlink()
  with pytest.raises(InputError, match='0-dense'):
    Run(small.make(small.SHORT), tmp_path).execute()
  path.unlink()
  assert Run(small.make(small.SHORT), tmp_path).execute()['stages']


def test_nothing_to_evaluate_is_one_sentence(tmp_path, small):
  with pytest.raises(InputError, match='must hold the artifact of a run'):
    Run(small.make(small.SHORT), tmp_path / 'none').evaluate()


def test_a_training_that_diverges_names_the_step_and_the_checkpoint(
  tmp_path, small
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
  config = small.make(small.SHORT, changes)
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
