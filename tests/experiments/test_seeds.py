"""Several seeds of an experiment, and the result file of each."""

import json

import jax
import numpy as np
import pytest

from prunax import convert, data, evaluation, models
from prunax.rundir import RunDir

KEYS = [
  'config',
  'seed',
  'alive',
  'size',
  'ratio',
  'ratio_weights',
  'error_percent',
  'wall_seconds',
  'versions',
  'predictions',
]


@pytest.fixture
def seeds(launch, small_file, tmp_path):
  """Runs seeds of a short dense training into this test's folder."""

  def run(*flags):
    return launch(
      'experiments.seeds',
      f'--config={small_file}',
      f'--workdir={tmp_path}/runs',
      f'--results={tmp_path}/results',
      '--config.stages=()',
      '--config.dense.steps=6',
      '--config.block=6',
      *flags,
    )

  return run


def check_result(folder, seed):
  """Holds a seed's result against its artifact."""
  path = folder / 'results' / f'small-seed{seed}.json'
  result = json.loads(path.read_text())
  assert set(result) >= set(KEYS)
  assert (result['config'], result['seed']) == ('small', seed)
  artifact = RunDir(folder / 'runs' / f'seed{seed}').last_artifact()
  variables = convert.load(artifact).tree
  alive = sum(np.count_nonzero(x) for x in jax.tree.leaves(variables))
  assert (result['size'], result['alive']) == (266_610, alive)
  assert result['ratio'] == 266_610 / alive
  assert result['ratio_weights'] >= 1
  assert result['wall_seconds'] > 0
  assert 'jax' in result['versions']
  x, y = data.load('digits').test
  with np.load(folder / 'results' / result['predictions']) as file:
    guesses = file['predictions']
  apply = models.get('lenet300100').apply
  wanted = evaluation.predict(apply, variables, x, data.scale)
  np.testing.assert_array_equal(guesses, wanted)
  assert result['bytes'] == RunDir(artifact.parent.parent).packed.stat().st_size
  assert result['ratio_bytes'] == 4 * 266_610 / result['bytes']
  wrong = np.sum(guesses != y)
  assert result['error_percent'] == pytest.approx(100 * wrong / 360)
  return result


def test_each_seed_has_a_result_and_a_done_one_is_skipped(seeds, tmp_path):
  ended = seeds('--seeds=1')
  assert ended.code == 0, ended.err
  one = check_result(tmp_path, 1)
  artifact = tmp_path / 'runs' / 'seed1' / 'artifacts' / '0-dense.npz'
  written = artifact.stat().st_mtime_ns

  ended = seeds('--seeds=0,1')
  assert ended.code == 0, ended.err
  assert artifact.stat().st_mtime_ns == written
  assert check_result(tmp_path, 1) == one
  assert check_result(tmp_path, 0) != one
  names = sorted(path.name for path in (tmp_path / 'results').iterdir())
  assert names == [
    f'small-seed{seed}.{kind}' for seed in (0, 1) for kind in ('json', 'npz')
  ]
  for word in ('median', 'least', 'most'):
    assert word in ended.out
  assert str(tmp_path / 'results') in ended.out.splitlines()[-1]


@pytest.mark.parametrize(
  ('words', 'code', 'named'),
  [
    ('0,one', 2, '0,one'),
    ('1.5', 2, '1.5'),
    ('', 2, '--seeds'),
    ('0,0', 2, '0,0'),
    ('-1', 2, '-1'),
    ('0,-1', 2, '0,-1'),
  ],
)
def test_bad_seeds_are_one_sentence(seeds, tmp_path, words, code, named):
  ended = seeds(f'--seeds={words}')
  assert ended.code == code, ended.err
  assert ended.err.startswith('error: ')
  assert ended.err.count('\n') == 1
  assert named in ended.err
  assert not list(tmp_path.iterdir())


def test_results_that_cannot_be_written_are_one_sentence(seeds, tmp_path):
  (tmp_path / 'results').write_text('a file')
  ended = seeds('--seeds=0')
  assert ended.code == 1
  assert ended.err.startswith('error: ')
  assert ended.err.count('\n') == 1
  assert str(tmp_path / 'results') in ended.err


def test_the_flags_are_those_of_a_run(launch, tmp_path):
  ended = launch('experiments.seeds', f'--workdir={tmp_path}/runs')
  assert (ended.code, ended.err.count('\n')) == (2, 1)
  assert '--config' in ended.err
