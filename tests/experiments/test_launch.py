"""The flags of `experiments.run`: a mistake is one sentence, an exit code."""

import errno
import os
import pathlib
import subprocess
import sys

import pytest

from prunax.rundir import RunDir

ROOT = pathlib.Path(__file__).parent.parent.parent
DEMO, SMALL = '--config=configs/demo.py', '--config=tests/small.py'

CONFIGS = {
  'syntax.py': 'def get_config(arg=None)\n  return 1\n',
  'nothing.py': 'x = 1\n',
  'imports.py': '\nimport nothing_such\n',
  'dict.py': 'def get_config(arg=None):\n  return {"name": "x"}\n',
  'no_argument.py': 'def get_config():\n  return {}\n',
  'fails.py': 'def get_config(arg=None):\n  x = {}\n  return x["y"]\n',
  'empty.py': (
    'from ml_collections import ConfigDict\n'
    'def get_config(arg=None):\n  return ConfigDict()\n'
  ),
  'text.txt': 'hello\n',
}

# Flags (@ is the folder of CONFIGS), the exit code, words of the sentence.
MISTAKES = [
  ([], 2, ['--config', '--workdir']),
  ([DEMO], 2, ['--workdir']),
  (['--workdir=@/run'], 2, ['--config']),
  (['--config=', '--workdir=@/run'], 1, ['--config must name a file']),
  (['--config'], 2, ['--config']),
  ([DEMO, '--workdir=@/run', 'stray', 'words'], 2, ['stray words']),
  ([DEMO, '--workdir=@/run', '--nothing=1'], 2, ['nothing']),
  ([DEMO, '--workdir=@/run', '--mode=train'], 2, ['train', 'evaluate']),
  ([DEMO, '--workdir=@/run', '--overwrite=maybe'], 2, ['maybe']),
  ([DEMO, '--workdir=@/run', '--config.x=1'], 2, ["'x'"]),
  ([DEMO, '--workdir=@/run', '--config.x.y=1'], 2, ["'x'"]),
  ([DEMO, '--workdir=@/run', '--config.dense.stepz=1'], 2, ['steps']),
  ([DEMO, '--workdir=@/run', '--config.block=many'], 2, ['many']),
  ([DEMO, '--workdir=@/run', '--config.data=digits'], 2, ['config.data']),
  ([DEMO, '--workdir=@/run', '--config.seed'], 2, ['config.seed']),
  (['--config=configs/demoo.py', '--workdir=@/run'], 1, ['configs/demoo.py']),
  (
    ['--config', 'configs/demoo.py', '--workdir=@/run', '--config.seed=1'],
    1,
    ['configs/demoo.py'],
  ),
  (['--config=configs', '--workdir=@/run'], 1, ['configs']),
  (['--config=@/text.txt', '--workdir=@/run'], 1, ['text.txt']),
  (['--config=@/syntax.py', '--workdir=@/run'], 1, ['syntax.py, line 1']),
  (['--config=@/nothing.py', '--workdir=@/run'], 1, ['nothing.py']),
  (['--config=@/imports.py', '--workdir=@/run'], 1, ['imports.py, line 2']),
  (['--config=@/dict.py', '--workdir=@/run'], 1, ['dict.py']),
  (['--config=@/no_argument.py:x', '--workdir=@/run'], 1, ['no_argument.py']),
  (['--config=@/fails.py', '--workdir=@/run'], 1, ['fails.py, line 3']),
  (['--config=@/empty.py', '--workdir=@/run'], 1, ["'name'"]),
  (['--config=configs/demo.py:x', '--workdir=@/run'], 1, ["'x'"]),
  (
    ['--config=configs/lenet5_dns.py:x', '--workdir=@/run'],
    1,
    ['common.py', "'x'"],
  ),
  ([SMALL, '--workdir=@/run', '--config.model=alexnet'], 1, ["'alexnet'"]),
  ([SMALL, '--workdir=@/run', '--config.data.name=cifar'], 1, ["'cifar'"]),
  ([SMALL, '--workdir=@/run', '--config.data.name=mnist'], 1, ['mnist']),
  ([SMALL, '--workdir=@/run', '--config.seed=-1'], 1, ['seed']),
  ([SMALL, '--workdir=@/run', '--config.stages=("prune",)'], 1, ["'prune'"]),
  ([SMALL, '--workdir=@/run', '--config.surgery.rules=5'], 1, ["'surgery'"]),
  ([SMALL, '--workdir=@/run', '--config.start=@/x.npz'], 1, ['x.npz']),
  ([SMALL, '--workdir=@/dict.py'], 1, ['dict.py']),
  ([SMALL, '--workdir=@/dict.py/run'], 1, ['dict.py']),
  ([SMALL, '--workdir=@'], 1, ['--workdir']),
  ([SMALL, '--workdir=@', '--overwrite'], 1, ['--workdir']),
  ([SMALL, '--workdir=@/run', '--mode=evaluate'], 1, ['run', 'artifact']),
]


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
  path = tmp_path_factory.mktemp('configs')
  for name, text in CONFIGS.items():
    (path / name).write_text(text)
  return path


@pytest.mark.parametrize(
  ('flags', 'code', 'words'), MISTAKES, ids=lambda x: str(x)[:60]
)
def test_a_mistake_is_one_sentence(launch, folder, flags, code, words):
  flags = [flag.replace('@', str(folder)) for flag in flags]
  ended = launch('experiments.run', *flags, PRUNAX_DATA_DIR='/nowhere')
  assert (ended.code, ended.out) == (code, ''), ended.err
  assert ended.err.startswith('error: ')
  assert ended.err.count('\n') == 1
  for word in words:
    assert word in ended.err
  # Nothing was made, nothing was removed.
  assert {path.name for path in folder.iterdir()} == set(CONFIGS)


def test_a_run_says_where_its_artifacts_lie(launch, small_file, tmp_path):
  flags = (
    f'--config={small_file}',
    f'--workdir={tmp_path}',
    '--config.start=lenet300100_reference',
    '--config.stages=()',
    '--config.dense.steps=6',
    '--config.block=3',
    '--config.checkpoint_every=3',
  )
  ended = launch('experiments.run', *flags, PRUNAX_MODELS_DIR='')
  assert ended.code == 0, ended.err
  note, *progress = ended.err.splitlines()
  assert note.startswith('PRUNAX_MODELS_DIR is not set')
  # Of all that the packages below say about checkpoints, nothing; more than
  # one line where the machine is slow.
  assert {line.split(':')[0] for line in progress} == {'dense'}
  assert '6/6' in progress[-1]
  assert 'density' in progress[-1]
  assert 'steps/s' in progress[-1]
  assert 'dense' in ended.out
  assert 'ip3' in ended.out
  assert str(tmp_path / 'artifacts') in ended.out.splitlines()[-1]

  again = launch('experiments.run', *flags, PRUNAX_MODELS_DIR='')
  assert (again.code, again.out) == (0, ended.out)
  assert again.err.splitlines() == [note]

  score = launch(
    'experiments.run', *flags, '--mode=evaluate', PRUNAX_MODELS_DIR=''
  )
  assert score.code == 0
  assert score.err == ''
  artifact = RunDir(tmp_path).last_artifact()
  assert score.out.startswith(f'{artifact}: ')
  assert '360' in score.out

  full = launch(
    'experiments.run', *flags, PRUNAX_MODELS_DIR='', out='/dev/full'
  )
  assert full.code == 1
  assert full.err.splitlines()[1:] == [
    'error: the output must be readable and writable, but'
    f' {os.strerror(errno.ENOSPC)}: mend this and run the same command again'
  ]

  other = launch(
    'experiments.run', *flags, '--config.seed=4', PRUNAX_MODELS_DIR=''
  )
  assert other.code == 1
  assert 'seed (0 there, 4 here)' in other.err.splitlines()[-1]


def test_the_module_is_a_program():
  process = subprocess.run(
    [sys.executable, '-m', 'experiments.run', DEMO],
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=False,
  )
  assert process.returncode == 2
  assert process.stderr.startswith('error: ')
  assert process.stderr.count('\n') == 1
