"""`prunax inspect`: every leaf and the total, for programs and people."""

import numpy as np
import pytest

from prunax import commands, convert, report_files, weights

LEAF_KEYS = ['name', 'shape', 'size', 'alive', 'density', 'values', 'bytes']
TOTAL_KEYS = [
  'size',
  'alive',
  'ratio',
  'ratio_weights',
  'bytes',
  'ratio_bytes',
]
NO_BYTES = {'bytes': None, 'ratio_bytes': None}


def test_inspect_says_every_leaf_and_the_total(answer, tmp_path):
  path = tmp_path / 'mine.npz'
  kernel = np.array([[1.0, 0.0, 0.0], [-0.0, 2.0, 0.0]])
  np.savez(path, **{'fc/kernel': kernel, 'fc/bias': np.array([0.0, 1, 1])})
  assert answer('inspect', path) == {
    'leaves': [
      {
        'name': 'fc/bias',
        'shape': [3],
        'size': 3,
        'alive': 2,
        'density': 2 / 3,
        'values': 1,
        'bytes': None,
      },
      {
        'name': 'fc/kernel',
        'shape': [2, 3],
        'size': 6,
        'alive': 2,
        'density': 1 / 3,
        'values': 2,
        'bytes': None,
      },
    ],
    'total': {
      'size': 9,
      'alive': 4,
      'ratio': 2.25,
      'ratio_weights': 3.0,
      'bytes': None,
      'ratio_bytes': None,
    },
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
  none = {'size': 0, 'alive': 0, 'ratio': None, 'ratio_weights': None}
  assert total == none | NO_BYTES
  assert run('inspect', path)[0] == 0


def test_size_is_that_before_anything_was_cut(run, answer, tmp_path):
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
    **NO_BYTES,
  }
  assert [leaf['size'] for leaf in found['leaves']] == [2, 4]
  assert [leaf['uncut'] for leaf in found['leaves']] == [20, 40]
  lines = run('inspect', path)[1].splitlines()
  cells = [line.replace('│', ' ').split() for line in lines]
  # The columns count what is left, but for the last one.
  total = next(words for words in cells if words[:1] == ['total'])
  assert total == ['total', '6', '6', '100.00%', '60']


def test_inspect_for_people(run, file):
  code, out, err = run('inspect', file)
  assert (code, err) == (0, '')
  assert 'plain.npz' in out
  row = next(line for line in out.splitlines() if 'ip1/kernel' in line)
  assert all(word in row for word in ('784 x 300', '784', '235,200', '0.33%'))
  header = next(line for line in out.splitlines() if 'density' in line)
  assert 'values' in header and 'bytes' not in header
  # All 300 alive biases are 0.5.
  row = next(line for line in out.splitlines() if 'ip1/bias' in line)
  assert row.replace('│', ' ').split()[-2:] == ['100.00%', '1']
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


def test_names_that_would_move_the_cursor(run, complaint, tmp_path):
  path, out = tmp_path / 'a\x1b[2J\n.prx', tmp_path / 'out.prx'
  weights.save(path, {'x\x1b[31m\n': np.ones((2, 2))}, {})
  for words in (('inspect', path), ('pack', path, out)):
    code, said, _ = run(*words)
    assert code == 0 and '\x1b' not in said
    assert sum(r'x\x1b[31m\n' in line for line in said.splitlines()) == 1
  assert r'a\x1b[2J\n.prx' in run('inspect', path)[1]
  assert '\x1b' not in complaint('inspect', f'{path}.h5')


@pytest.mark.parametrize('suffix', ['.safetensors', '.caffemodel'])
def test_inspect_says_the_same_of_every_kind(answer, file, tmp_path, suffix):
  path = tmp_path / f'other{suffix}'
  convert.save(path, convert.load(file).tree, {})
  assert answer('inspect', path) == answer('inspect', file)


def test_inspect_a_file_of_another_program(answer, tmp_path):
  path = tmp_path / 'theirs.safetensors'
  convert.save(path, {'fc.weight': np.eye(2, dtype=np.float16)}, {})
  (leaf,) = answer('inspect', path)['leaves']
  assert (leaf['name'], leaf['alive'], leaf['values']) == ('fc.weight', 2, 1)


def test_inspect_of_a_compressed_file():
  weights = {'fc': {'bias': np.zeros(5), 'kernel': np.ones((5, 1000))}}
  stored = {'fc/bias': 7, 'fc/kernel': 1234}
  loaded = convert.Loaded(weights, {}, stored)
  found = commands.inspected(loaded, 2002)
  assert [leaf['bytes'] for leaf in found['leaves']] == [7, 1234]
  assert found['total']['bytes'] == 2002
  assert found['total']['ratio_bytes'] == 10.0
  out = report_files.leaves_text('a', found)
  cells = [line.replace('│', ' ').split() for line in out.splitlines()]
  ends = {words[0]: words[-1] for words in cells if words}
  assert (ends['fc/bias'], ends['fc/kernel']) == ('7', '1,234')
  assert ends['total'] == '2,002'
  assert 'bytes: 10.0x fewer' in out
