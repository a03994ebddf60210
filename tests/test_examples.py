"""The examples and the notebooks run as they stand."""

import json
import pathlib
import runpy

import jax
import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / 'notebooks').glob('*.ipynb'))


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


@pytest.mark.parametrize('path', NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook(path):
  told = json.loads(path.read_text())
  cells = [c for c in told['cells'] if c['cell_type'] == 'code']
  assert cells and not any(c['outputs'] for c in cells)
  names = {'__name__': 'notebook'}
  for cell in cells:
    exec(compile(''.join(cell['source']), path.name, 'exec'), names)
  alive = sum(
    np.count_nonzero(x) for x in jax.tree.leaves(names['found'].params)
  )
  size = sum(x.size for x in jax.tree.leaves(names['params']))
  assert alive < size / 5
  test = names['test']
  pruned = names['accuracy'](names['found'].params, test)
  assert pruned > names['accuracy'](names['params'], test) - 0.05
