"""The command called in this process, and files for it to look at."""

import json
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest

from prunax import cli, convert, data, models, tree

# Words of a command line -> the exit code, stdout and stderr.
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
  """The exit code, stdout and stderr of the command."""

  def called(*arguments: object) -> tuple[int, str, str]:
    try:
      code = cli.main([str(a) for a in arguments])
    except SystemExit as e:
      code = e.code
    out, err = capsys.readouterr()
    return code, out, err

  return called


@pytest.fixture
def answer(run: Run) -> Callable[..., Any]:
  """What the command says with --json, which must be JSON and nothing else."""

  def refuse(word: str) -> None:
    raise AssertionError(f'{word} is no JSON')

  def answered(*arguments: object) -> Any:
    code, out, err = run(*arguments, '--json')
    assert (code, err) == (0, '')
    return json.loads(out, parse_constant=refuse)

  return answered


@pytest.fixture
def complaint(run: Run) -> Callable[..., str]:
  """The one sentence with which the command refuses."""

  def refused(*arguments: object, code: int = 1) -> str:
    got, out, err = run(*arguments)
    assert (got, out) == (code, '')
    assert err.startswith('error: ') and err.count('\n') == 1
    return err

  return refused


@pytest.fixture(scope='module')
def weights():
  """LeNet-300-100 as it is before training, and some of it cut away."""
  variables = models.get('lenet300100').init(jax.random.key(0))
  named = {k: np.array(v) for k, v in tree.named_leaves(variables).items()}
  named['ip1/kernel'][:, 1:] = 0
  named['ip2/kernel'][1:] = 0
  named['ip1/bias'][:] = 0.5
  return named


@pytest.fixture(scope='module')
def file(weights, tmp_path_factory):
  """The weights as a user would save them."""
  path = tmp_path_factory.mktemp('weights') / 'plain.npz'
  np.savez(path, **weights)
  return path


@pytest.fixture
def run_folder(weights, tmp_path):
  """What a run leaves: the first artifact dense, the last one pruned."""
  folder = tmp_path / 'run'
  (folder / 'artifacts').mkdir(parents=True)
  meta = {'model': 'lenet300100', 'data': 'digits'}
  dense = {k: np.ones_like(v) for k, v in weights.items()}
  for name, leaves in (('9-dense', dense), ('10-surgery', weights)):
    path = folder / 'artifacts' / f'{name}.npz'
    convert.npz.save(path, tree.nest(leaves), meta)
  return folder


@pytest.fixture(scope='module')
def images(tmp_path_factory):
  """Seven examples of scikit-learn's digits."""
  path = tmp_path_factory.mktemp('images') / 'images.npz'
  x, y = data.load('digits').test
  np.savez(path, x=x[:7], y=y[:7])
  return path
