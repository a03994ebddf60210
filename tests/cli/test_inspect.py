"""`prunax inspect`: every leaf and the total, for programs and people."""

import numpy as np
import pytest

from prunax import convert

LEAF_KEYS = ['name', 'shape', 'size', 'alive', 'density']
TOTAL_KEYS = ['size', 'alive', 'ratio', 'ratio_weights']


def test_inspect_says_every_leaf_and_the_total(answer, tmp_path):
  path = tmp_path / 'mine.npz'
  kernel = np.array([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]])
  np.savez(path, **{'fc/kernel': kernel, 'fc/bias': np.array([0.0, 1, 1])})
  assert answer('inspect', path) == {
    'leaves': [
      {
        'name': 'fc/bias',
        'shape': [3],
        'size': 3,
        'alive': 2,
        'density': 2 / 3,
      },
      {
        'name': 'fc/kernel',
        'shape': [2, 3],
        'size': 6,
        'alive': 2,
        'density': 1 / 3,
      },
    ],
    'total': {'size': 9, 'alive': 4, 'ratio': 2.25, 'ratio_weights': 3.0},
  }


@pytest.mark.parametrize('name', ['fc/bias', 'fc/kernel'])
def test_inspect_where_nothing_is_alive(run, answer, tmp_path, name):
  path = tmp_path / 'nothing.npz'
  np.savez(path, **{name: np.zeros((2,) if 'bias' in name else (2, 2))})
  found = answer('inspect', path)
  assert [list(leaf) for leaf in found['leaves']] == [LEAF_KEYS]
  assert list(found['total']) == TOTAL_KEYS
  assert found['total']['ratio'] is found['total']['ratio_weights'] is None
  assert 'none left' in run('inspect', path)[1]


def test_inspect_where_nothing_was_ever(run, answer, tmp_path):
  path = tmp_path / 'empty.npz'
  np.savez(path, **{'fc/kernel': np.zeros((0, 3))})
  total = answer('inspect', path)['total']
  assert total == {'size': 0, 'alive': 0, 'ratio': None, 'ratio_weights': None}
  assert run('inspect', path)[0] == 0


def test_size_is_that_before_anything_was_cut(answer, tmp_path):
  path = tmp_path / 'cut.npz'
  weights = {'fc': {'kernel': np.ones((2, 2)), 'bias': np.ones(2)}}
  sizes = {'fc/kernel': 40, 'fc/bias': 20}
  convert.npz.save(path, weights, {'sizes': sizes})
  found = answer('inspect', path)
  assert found['total'] == {
    'size': 60,
    'alive': 6,
    'ratio': 10.0,
    'ratio_weights': 10.0,
  }
  assert [leaf['size'] for leaf in found['leaves']] == [2, 4]


def test_inspect_for_people(run, file):
  code, out, err = run('inspect', file)
  assert (code, err) == (0, '')
  assert 'plain.npz' in out
  row = next(line for line in out.splitlines() if 'ip1/kernel' in line)
  assert all(word in row for word in ('784 x 300', '784', '235,200', '0.33%'))
  assert 'ratio: 122.1x (weights only: 141.3x)' in out


def test_names_that_mean_something_to_a_terminal(run, tmp_path):
  path = tmp_path / '[red]:smile:[' / 'x.npz'
  path.parent.mkdir()
  names = ['fc[/b]/kernel', ':smile:/kernel', f'{"deep/" * 40}kernel']
  np.savez(path, **{name: np.ones((2, 2)) for name in names})
  code, out, _ = run('inspect', path)
  assert code == 0
  # A name that is longer than the line goes on in the next one.
  cells = [line.split('│')[1] for line in out.splitlines() if '│' in line]
  joined = ''.join(cell.strip() for cell in cells)
  assert all(name in joined for name in names)
  assert out.count('2 x 2') == 3
