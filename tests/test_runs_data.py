"""A run's data: its scale, a part of it, augmentation, modules of one's own."""

import json
import os
import pathlib
import subprocess
import sys

import jax
import numpy as np
import pytest

from prunax import cli, codec, convert, data, imports, plan, report
from prunax.data import Scale
from prunax.errors import InputError
from prunax.runs import Run

ROOT = pathlib.Path(__file__).parent.parent

# Exact in float32, so that it does not matter where it is done.
SCALE = Scale(128.0, 64.0)


def levels(data_dir):
  return data.load('digits')._replace(name='levels', scale=SCALE)


def scaled(data_dir):
  """The same pixels as numbers, scaled already."""
  digits = data.load('digits')
  parts = {
    part: split._replace(x=SCALE(split.x))
    for part, split in (('train', digits.train), ('test', digits.test))
  }
  return digits._replace(name='scaled', **parts)


def last(run):
  return convert.load(run.folder.last_artifact())


@pytest.fixture(scope='module')
def pair(tmp_path_factory, small):
  """One run on uint8 with a scale, one on the same pixels scaled before."""
  data.register('levels', levels)
  data.register('scaled', scaled)
  runs = []
  for name in ('levels', 'scaled'):
    changes = {'data.name': name, 'data.validation': 100, 'seed': 2}
    folder = tmp_path_factory.mktemp(name)
    runs.append(Run(small.make(small.SHORT, changes), folder))
    runs[-1].execute()
  return runs


def test_training_scoring_and_the_test_set_have_the_scale(pair):
  one, other = pair
  jax.tree.map(np.testing.assert_array_equal, last(one).tree, last(other).tree)
  assert one.folder.metrics.read_bytes() == other.folder.metrics.read_bytes()
  guesses = [convert.load(r.folder.predictions).tree for r in pair]
  jax.tree.map(np.testing.assert_array_equal, *guesses)
  assert one.evaluate() == other.evaluate()
  usual = data.load('digits').test.x
  assert not np.array_equal(SCALE(usual), data.scale(usual))


def test_the_weights_record_their_scale(pair, tmp_path, capsys):
  one, other = pair
  assert last(one).meta['scale'] == [128.0, 64.0]
  assert codec.load(one.folder.packed)[1]['scale'] == [128.0, 64.0]
  assert 'scale' not in last(other).meta
  assert 'scale' not in codec.load(other.folder.packed)[1]
  # The command scales other images as those that were trained on.
  x, y = data.load('digits').test
  np.savez(tmp_path / 'images.npz', x=x, y=y)
  want = one.evaluate()
  for path in (one.folder.path, one.folder.packed):
    for name in ('levels', 'digits', str(tmp_path / 'images.npz')):
      assert cli.main(['evaluate', str(path), '--data', name, '--json']) == 0
      assert json.loads(capsys.readouterr().out) == want
  # What has no record of a scale was trained with the usual one.
  usual = [
    cli.main(['evaluate', str(other.folder.path), '--data', name, '--json'])
    for name in ('levels', 'digits')
  ]
  assert usual == [0, 0]
  first, second = capsys.readouterr().out.splitlines()
  assert first == second


def test_a_record_of_a_scale_that_is_none(pair, tmp_path, capsys):
  loaded = last(pair[0])
  for value, named in (
    (['x', 1], "got 'x'"),
    ([[1.0, 2.0], 4.0], '1 channels'),
  ):
    path = tmp_path / 'bad.npz'
    convert.npz.save(path, loaded.tree, {**loaded.meta, 'scale': value})
    assert cli.main(['evaluate', str(path)]) == 1
    assert named in capsys.readouterr().err


def test_a_limit_keeps_what_is_held_out(tmp_path, small):
  changes = {'data.validation': 100, 'data.constraint': 50}
  whole = Run(small.make(small.SHORT, changes), tmp_path / 'whole')
  part = Run(
    small.make(small.SHORT, changes, {'data.limit': 205}), tmp_path / 'part'
  )
  jax.tree.map(
    np.testing.assert_array_equal,
    (whole.feed.validation, whole.feed.constraint),
    (part.feed.validation, part.feed.constraint),
  )
  y = part.dataset.train.y
  assert len(y) == 205 and set(np.bincount(y)) == {20, 21}
  assert part.feed.examples.indices(0, 100).max() == 204
  summary = part.execute()
  assert summary['trained_on'] == {'examples': 205, 'of': 1437 - 150}
  assert 'trained on 205 of 1,287 examples' in report.summary_text(summary)
  summary = whole.execute()
  assert 'trained_on' not in summary
  assert 'trained on' not in report.summary_text(summary)


def test_augmentation_changes_training_alone(tmp_path, small):
  runs = [
    Run(
      small.make(small.SHORT, {'data.augment': name}), tmp_path / (name or 'no')
    )
    for name in ('', 'crop_flip', 'cop')
  ]
  kernels = []
  for run in runs:
    run.execute()
    kernels.append(last(run).tree['ip1']['kernel'])
    assert (
      json.loads(run.folder.config.read_text())['data'].get('augment', '')
      == run.config['data']['augment']
    )
    jax.tree.map(np.testing.assert_array_equal, run.dataset, runs[0].dataset)
  assert (kernels[0] != kernels[1]).any() and (kernels[1] != kernels[2]).any()
  again = Run(
    small.make(small.SHORT, {'data.augment': 'cop'}), tmp_path / 'again'
  )
  again.execute()
  np.testing.assert_array_equal(last(again).tree['ip1']['kernel'], kernels[2])


def test_a_folder_from_before_there_were_these_entries(small):
  config = small.make()
  older = small.make({'data.limit': None, 'data.augment': None})
  plan.check(older)
  assert plan.identity(config) == plan.identity(older)
  for changes in ({'data.limit': 3}, {'data.augment': 'cop'}):
    assert plan.identity(small.make(changes)) != plan.identity(older)


@pytest.mark.parametrize(
  ('changes', 'named'),
  [
    ({'data.limit': -1}, "'data.limit'"),
    ({'data.limit': 1.5}, "'data.limit'"),
    ({'data.limit': True}, "'data.limit'"),
    ({'data.limit': 1438}, '0 to 1437'),
    ({'data.limit': 31}, '1 to 31'),
    ({'data.augment': 3}, "'data.augment'"),
    ({'data.augment': 'flip'}, "'flip'"),
    ({'data.augment': 'cop', 'data.name': 'scaled'}, 'uint8'),
  ],
)
def test_what_is_refused(pair, tmp_path, small, changes, named):
  with pytest.raises(InputError) as e:
    Run(small.make(changes), tmp_path / 'run').execute()
  assert named in str(e.value) and '\n' not in str(e.value)
  assert not (tmp_path / 'run').exists()


MODULE = '''
import numpy as np
from prunax import data

def stripes():
  """Class 1 has a bright upper half, class 0 a bright lower one."""
  rng = np.random.default_rng(0)
  while True:
    label = rng.integers(2)
    image = rng.integers(0, 100, (28, 28, 1)).astype(np.uint8)
    image[slice(0, 14) if label else slice(14, 28)] += 100
    yield image, label

def load(data_dir):
  from itertools import islice
  endless = stripes()
  return data.Dataset(
    'stripes',
    data.gather(islice(endless, 300)),
    data.gather(islice(endless, 50)),
    classes=2,
    scale=data.Scale(100.0, 64.0),
  )

data.register('stripes', load)
'''


def test_a_module_from_outside_registers_a_set(tmp_path, monkeypatch, capsys):
  (tmp_path / 'stripes_of_mine.py').write_text(MODULE)
  command = [sys.executable, '-m', 'experiments.run']
  flags = [
    f'--config={ROOT}/tests/small.py',
    '--workdir=run',
    '--import=stripes_of_mine',
    '--config.data.name=stripes',
    '--config.stages=()',
  ]
  process = subprocess.run(
    [*command, *flags],
    cwd=tmp_path,
    env={**os.environ, 'PYTHONPATH': str(ROOT)},
    capture_output=True,
    text=True,
    check=False,
  )
  assert process.returncode == 0, process.stderr
  summary = json.loads((tmp_path / 'run' / 'summary.json').read_text())
  assert summary['stages'][-1]['error_percent'] < 5

  monkeypatch.chdir(tmp_path)
  monkeypatch.setattr(sys, 'path', [*sys.path])
  evaluate = ['evaluate', 'run', '--json']
  assert cli.main(evaluate) == 1
  assert "got 'stripes'" in capsys.readouterr().err
  assert cli.main([*evaluate, '--import', 'stripes_of_mine']) == 0
  found = json.loads(capsys.readouterr().out)
  assert 2 * found['errors'] == summary['stages'][-1]['error_percent']


@pytest.mark.parametrize(
  ('name', 'text', 'match'),
  [
    ('', None, "name a module.*got ''"),
    ('.x', None, "name a module.*got '.x'"),
    ('nothing_such', None, "got 'nothing_such', which is neither in"),
    ('nothing_such.inner', None, "got 'nothing_such.inner'"),
    ('wants', 'import nothing_such', r'wants.* in .*wants\.py, line 1'),
    (
      'breaks',
      '\nraise ValueError("a\\nb")',
      r'ValueError in .*py, line 2: a;',
    ),
    ('wrong', 'x = (', r'SyntaxError in .*wrong\.py, line 1'),
  ],
)
def test_a_module_that_cannot_be_imported(
  tmp_path, monkeypatch, name, text, match
):
  monkeypatch.chdir(tmp_path)
  monkeypatch.setattr(sys, 'path', [*sys.path])
  if text:
    (tmp_path / f'{name}.py').write_text(text)
  with pytest.raises(InputError, match=match):
    imports.import_modules([name])
