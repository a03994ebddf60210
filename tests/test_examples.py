"""The examples and the notebooks run as they stand."""

import json
import pathlib
import runpy
import sys
import types

import jax
import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parent.parent
NOTEBOOKS = ROOT / 'notebooks'


def test_the_example_of_olmp(capsys):
  path = ROOT / 'examples' / 'own_model_olmp.py'
  assert len(path.read_text().splitlines()) < 60
  runpy.run_path(str(path), run_name='__main__')
  *searches, end, last = capsys.readouterr().out.splitlines()
  assert len(searches) == 5
  assert end.startswith('the end: accuracy 0.9')
  alive, _, _, before, _, after = last.replace(',', '').split()
  # Of 2,114 parameters.
  assert int(alive) < 300
  assert float(after) > float(before) - 0.05


def cells(path):
  """The code of a notebook."""
  told = json.loads(path.read_text())
  found = [c for c in told['cells'] if c['cell_type'] == 'code']
  assert found and not any(c['outputs'] for c in found)
  return [''.join(c['source']) for c in found]


@pytest.fixture
def run(monkeypatch, tmp_path):
  """Runs the cells of a notebook in one process, in a folder of its own."""

  def ran(path):
    monkeypatch.chdir(tmp_path)
    module = types.ModuleType('notebook')
    # Flax looks up the module of a class that a cell defines.
    monkeypatch.setitem(sys.modules, 'notebook', module)
    for code in cells(path):
      exec(compile(code, path.name, 'exec'), module.__dict__)
    return module

  return ran


def test_every_notebook_has_a_test():
  tested = {'own_model_olmp', 'shrink_your_own'}
  assert {path.stem for path in NOTEBOOKS.glob('*.ipynb')} == tested


def test_the_notebook_of_olmp(run):
  found = run(NOTEBOOKS / 'own_model_olmp.ipynb')
  alive = sum(np.count_nonzero(x) for x in jax.tree.leaves(found.found.params))
  size = sum(x.size for x in jax.tree.leaves(found.params))
  assert alive < size / 5
  pruned = found.accuracy(found.found.params, found.test)
  assert pruned > found.accuracy(found.params, found.test) - 0.05


def test_the_notebook_of_shrinking(run):
  code = ''.join(cells(NOTEBOOKS / 'shrink_your_own.ipynb'))
  # Half of the FLOPs, the masked answers, and those of the file, three times.
  assert code.count('assert ') == 10
  found = run(NOTEBOOKS / 'shrink_your_own.ipynb')
  after = (found.linen_accuracy, found.nnx_accuracy, found.equinox_accuracy)
  assert min(after) > 0.8
