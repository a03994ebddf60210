"""`prunax inspect` and `prunax evaluate`, on every kind of file."""

import json
import os
import subprocess
import sys

import jax
import ml_dtypes
import numpy as np
import pytest

from prunax import cli, convert, data, models, tree

LEAF_KEYS = ['name', 'shape', 'size', 'alive', 'density']
TOTAL_KEYS = ['size', 'alive', 'ratio', 'ratio_weights']


def run(capsys, *arguments):
  """The exit code, stdout and stderr of the command."""
  try:
    code = cli.main([str(a) for a in arguments])
  except SystemExit as e:
    code = e.code
  out, err = capsys.readouterr()
  return code, out, err


def answer(capsys, *arguments):
  """What the command says with --json, which must be JSON and nothing else."""

  def refuse(word):
    raise AssertionError(f'{word} is no JSON')

  code, out, err = run(capsys, *arguments, '--json')
  assert (code, err) == (0, '')
  return json.loads(out, parse_constant=refuse)


def complaint(capsys, *arguments, code=1):
  """The one sentence with which the command refuses."""
  got, out, err = run(capsys, *arguments)
  assert (got, out) == (code, '')
  assert err.startswith('error: ') and err.count('\n') == 1
  return err


def in_a_shell(*arguments, stdout=subprocess.PIPE, env=None):
  """The command in a process of its own."""
  return subprocess.run(
    [sys.executable, '-m', 'prunax.cli', *map(str, arguments)],
    stdout=stdout,
    stderr=subprocess.PIPE,
    env=env,
    text=True,
    timeout=120,
  )


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


@pytest.mark.parametrize(
  ('name', 'model', 'errors', 'alive', 'size'),
  [
    ('lenet5_reference', 'lenet5', 91, 431_080, 431_080),
    ('lenet300100_reference', 'lenet300100', 227, 266_610, 266_610),
    ('lenet5_dns_sparse', 'lenet5', 91, 3_993, 431_080),
  ],
)
def test_published_models(
  capsys, models_dir, mnist_dir, name, model, errors, alive, size
):
  path = models_dir / f'{name}.caffemodel'
  arguments = (path, '--data', 'mnist', '--model', model)
  assert answer(capsys, 'evaluate', *arguments) == {
    'accuracy': (10_000 - errors) / 10_000,
    'errors': errors,
    'count': 10_000,
  }
  total = answer(capsys, 'inspect', path)['total']
  assert (total['alive'], total['size']) == (alive, size)
  assert total['ratio'] == size / alive


def test_inspect_says_every_leaf_and_the_total(capsys, tmp_path):
  path = tmp_path / 'mine.npz'
  kernel = np.array([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]])
  np.savez(path, **{'fc/kernel': kernel, 'fc/bias': np.array([0.0, 1, 1])})
  assert answer(capsys, 'inspect', path) == {
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
def test_inspect_where_nothing_is_alive(capsys, tmp_path, name):
  path = tmp_path / 'nothing.npz'
  np.savez(path, **{name: np.zeros((2,) if 'bias' in name else (2, 2))})
  found = answer(capsys, 'inspect', path)
  assert [list(leaf) for leaf in found['leaves']] == [LEAF_KEYS]
  assert list(found['total']) == TOTAL_KEYS
  assert found['total']['ratio'] is found['total']['ratio_weights'] is None
  assert 'none left' in run(capsys, 'inspect', path)[1]


def test_inspect_where_nothing_was_ever(capsys, tmp_path):
  path = tmp_path / 'empty.npz'
  np.savez(path, **{'fc/kernel': np.zeros((0, 3))})
  total = answer(capsys, 'inspect', path)['total']
  assert total == {'size': 0, 'alive': 0, 'ratio': None, 'ratio_weights': None}
  assert run(capsys, 'inspect', path)[0] == 0


def test_size_is_that_before_anything_was_cut(capsys, tmp_path):
  path = tmp_path / 'cut.npz'
  weights = {'fc': {'kernel': np.ones((2, 2)), 'bias': np.ones(2)}}
  sizes = {'fc/kernel': 40, 'fc/bias': 20}
  convert.npz.save(path, weights, {'sizes': sizes})
  found = answer(capsys, 'inspect', path)
  assert found['total'] == {
    'size': 60,
    'alive': 6,
    'ratio': 10.0,
    'ratio_weights': 10.0,
  }
  assert [leaf['size'] for leaf in found['leaves']] == [2, 4]


def test_inspect_for_people(capsys, file):
  code, out, err = run(capsys, 'inspect', file)
  assert (code, err) == (0, '')
  assert 'plain.npz' in out
  row = next(line for line in out.splitlines() if 'ip1/kernel' in line)
  assert all(word in row for word in ('784 x 300', '784', '235,200', '0.33%'))
  assert 'ratio: 122.1x (weights only: 141.3x)' in out


def test_evaluate_agrees_with_the_model(capsys, file, weights):
  x, y = data.load('digits').test
  hidden = x.reshape(len(x), -1) / np.float32(256)
  for layer in ('ip1', 'ip2', 'ip3'):
    hidden = hidden @ weights[f'{layer}/kernel'] + weights[f'{layer}/bias']
    if layer != 'ip3':
      hidden = np.maximum(hidden, 0)
  right = int(np.sum(hidden.argmax(-1) == y))
  found = answer(capsys, 'evaluate', file, '--data', 'digits')
  assert found == {
    'accuracy': right / 360,
    'errors': 360 - right,
    'count': 360,
  }
  _, out, _ = run(capsys, 'evaluate', file, '--data', 'digits')
  assert out == f'{100 * right / 360:.2f} % right, {360 - right} wrong of 360\n'


def test_a_run_folder_is_its_last_artifact(capsys, run_folder, file):
  found = answer(capsys, 'inspect', run_folder)
  assert found == answer(capsys, 'inspect', file)
  # Neither the model nor the data need be said: the artifact records them.
  plain = answer(capsys, 'evaluate', file, '--data', 'digits')
  assert answer(capsys, 'evaluate', run_folder) == plain


def test_what_is_said_beats_what_is_recorded(capsys, run_folder, images):
  found = answer(capsys, 'evaluate', run_folder, '--data', images)
  assert found['count'] == 7
  error = complaint(capsys, 'evaluate', run_folder, '--model', 'lenet5')
  assert "the model 'lenet5'" in error


def test_a_recorded_npz_is_judged_by_its_test_part(
  capsys, weights, tmp_path, monkeypatch
):
  x, y = data.load('digits').test
  np.savez(tmp_path / 'mine.npz', x=x[:100], y=y[:100])
  meta = {'model': 'lenet300100', 'data': 'mine.npz'}
  convert.npz.save(tmp_path / 'run.npz', tree.nest(weights), meta)
  monkeypatch.chdir(tmp_path)
  assert answer(capsys, 'evaluate', 'run.npz')['count'] == 10
  whole = answer(capsys, 'evaluate', 'run.npz', '--data', 'mine.npz')
  assert whole['count'] == 100


@pytest.mark.parametrize(
  'shape', [(7, 28, 28), (7, 28, 28, 1), (7, 784)], ids=str
)
@pytest.mark.parametrize('dtype', ['uint8', 'float32', 'float64', 'float16'])
def test_every_form_of_a_users_images(
  capsys, file, images, tmp_path, shape, dtype
):
  with np.load(images) as entries:
    x, y = entries['x'], entries['y']
  if dtype != 'uint8':
    x = x.astype(dtype) / 256
  path = tmp_path / 'MINE.NPZ'
  with path.open('wb') as out:
    np.savez(out, x=x.reshape(shape), y=y.astype('int64'))
  wanted = answer(capsys, 'evaluate', file, '--data', images)
  assert answer(capsys, 'evaluate', file, '--data', path) == wanted


def test_flat_images_into_a_convolution(capsys, images, tmp_path):
  path, flat = tmp_path / 'lenet5.npz', tmp_path / 'flat.npz'
  variables = models.get('lenet5').init(jax.random.key(1))
  np.savez(path, **tree.named_leaves(variables))
  with np.load(images) as entries:
    np.savez(flat, x=entries['x'].reshape(7, -1), y=entries['y'])
  wanted = answer(capsys, 'evaluate', path, '--data', images)
  assert answer(capsys, 'evaluate', path, '--data', flat) == wanted


@pytest.mark.parametrize('dtype', ['float64', 'float16', 'bfloat16'])
def test_weights_of_any_width(capsys, weights, images, tmp_path, dtype):
  narrow = np.dtype(getattr(ml_dtypes, dtype, dtype))
  path = tmp_path / 'ours.npz'
  leaves = {k: v.astype(narrow) for k, v in weights.items()}
  convert.npz.save(path, tree.nest(leaves), {})
  assert answer(capsys, 'evaluate', path, '--data', images)['count'] == 7


def test_a_lone_example(capsys, file, tmp_path):
  path = tmp_path / 'one.npz'
  np.savez(path, x=np.zeros((1, 784), np.uint8), y=np.array([3]))
  found = answer(capsys, 'evaluate', file, '--data', path)
  assert found['count'] == 1 and found['accuracy'] == 1 - found['errors']


@pytest.mark.parametrize(
  ('x', 'y', 'words'),
  [
    (np.zeros((3, 8, 8), 'uint8'), [0, 1, 2], '(28, 28, 1)'),
    (np.zeros((3, 64), 'uint8'), [0, 1, 2], '(64,)'),
    (np.zeros((3, 28, 28), 'uint8'), [0, 1, 10], 'below the 10 classes'),
    (np.zeros((3, 28, 28), 'uint8'), [0, 1, -1], '-1'),
    (np.zeros((3, 28, 28), 'uint8'), [0, 1], '3 examples and 2 labels'),
    (np.zeros((0, 28, 28), 'uint8'), np.zeros(0, int), 'at least one'),
    (np.zeros((3, 28, 28), 'int64'), [0, 1, 2], 'int64'),
    (np.zeros((3, 28, 28), 'uint8'), [0.0, 1.0, 2.0], 'float64'),
    (np.zeros((3, 28, 28), 'uint8'), np.eye(3, 10, dtype=int), '(3, 10)'),
  ],
)
def test_data_that_does_not_fit(capsys, file, tmp_path, x, y, words):
  path = tmp_path / 'misfit.npz'
  np.savez(path, x=x, y=np.asarray(y))
  error = complaint(capsys, 'evaluate', file, '--data', path)
  assert words in error and 'misfit.npz' in error


def test_data_without_labels(capsys, file, tmp_path):
  path = tmp_path / 'unlabelled.npz'
  np.savez(path, x=np.zeros((2, 784), np.uint8))
  error = complaint(capsys, 'evaluate', file, '--data', path)
  assert "'y'" in error and 'unlabelled.npz' in error


def test_unknown_names(capsys, file, images):
  error = complaint(capsys, 'evaluate', file, '--data', 'cats')
  assert "'cats'" in error and 'mnist' in error
  error = complaint(
    capsys, 'evaluate', file, '--data', images, '--model', 'alexnet'
  )
  assert "'alexnet'" in error
  error = complaint(capsys, 'evaluate', file, '--data', 'gone.npz')
  assert 'gone.npz' in error


def test_data_that_must_be_said(capsys, file):
  error = complaint(capsys, 'evaluate', file)
  assert '--data' in error and 'plain.npz' in error


def test_mnist_without_its_files(capsys, file, monkeypatch, tmp_path):
  monkeypatch.delenv('PRUNAX_DATA_DIR', raising=False)
  error = complaint(capsys, 'evaluate', file, '--data', 'mnist')
  assert 'PRUNAX_DATA_DIR' in error
  monkeypatch.setenv('PRUNAX_DATA_DIR', str(tmp_path))
  error = complaint(capsys, 'evaluate', file, '--data', 'mnist')
  assert str(tmp_path) in error


def test_weights_that_fit_no_model(capsys, images, tmp_path):
  path = tmp_path / 'other.npz'
  np.savez(path, **{'fc/kernel': np.ones((784, 10))})
  error = complaint(capsys, 'evaluate', path, '--data', images)
  assert 'other.npz' in error and 'lenet300100' in error
  error = complaint(
    capsys, 'evaluate', path, '--data', images, '--model', 'lenet5'
  )
  assert "'lenet5'" in error and 'conv1/' in error


@pytest.mark.parametrize('value', [np.nan, np.inf, 1e300, 1j])
def test_weights_that_are_no_numbers(capsys, weights, images, tmp_path, value):
  path = tmp_path / 'bad.npz'
  np.savez(path, **weights | {'ip2/bias': np.full(100, value)})
  error = complaint(capsys, 'evaluate', path, '--data', images)
  assert 'ip2/bias' in error and 'bad.npz' in error
  assert answer(capsys, 'inspect', path)['total']['size'] == 266_610


@pytest.mark.parametrize('command', ['inspect', 'evaluate'])
@pytest.mark.parametrize(
  'name', ['gone', 'gone.npz', 'gone.caffemodel', 'gone/artifacts', '']
)
def test_nothing_there(capsys, tmp_path, command, name):
  path = str(tmp_path / name) if name else ''
  assert repr(path) in complaint(capsys, command, path) or not name


@pytest.mark.parametrize('command', ['inspect', 'evaluate'])
def test_a_folder_that_is_no_run(capsys, tmp_path, command):
  (tmp_path / 'artifacts').mkdir()
  (tmp_path / 'artifacts' / 'notes.txt').write_text('nothing yet')
  assert str(tmp_path) in complaint(capsys, command, tmp_path)


def test_a_file_of_another_kind(capsys, tmp_path):
  path = tmp_path / 'weights.h5'
  path.write_bytes(b'\x89HDF')
  error = complaint(capsys, 'inspect', path)
  assert 'weights.h5' in error and '.caffemodel or .npz' in error


@pytest.mark.parametrize('part', [0, 1, 30, 0.5, 0.999])
def test_npz_cut_short(capsys, file, tmp_path, part):
  path = tmp_path / 'short.npz'
  whole = file.read_bytes()
  keep = part if isinstance(part, int) else int(part * len(whole))
  path.write_bytes(whole[:keep])
  for command in ('inspect', 'evaluate'):
    assert 'short.npz' in complaint(capsys, command, path)


def test_artifact_cut_short(capsys, run_folder):
  path = run_folder / 'artifacts' / '10-surgery.npz'
  path.write_bytes(path.read_bytes()[:1000])
  assert str(path) in complaint(capsys, 'evaluate', run_folder)


@pytest.mark.parametrize('keep', [0, 1, 1_000, 1_000_000])
def test_caffemodel_cut_short(capsys, models_dir, tmp_path, keep):
  path = tmp_path / 'short.caffemodel'
  whole = (models_dir / 'lenet300100_reference.caffemodel').read_bytes()
  path.write_bytes(whole[:keep])
  arguments = (path, '--data', 'digits')
  assert 'short.caffemodel' in complaint(capsys, 'evaluate', *arguments)


def test_text_that_calls_itself_a_caffemodel(capsys, tmp_path):
  path = tmp_path / 'page.caffemodel'
  path.write_text('<html>404</html>')
  assert 'page.caffemodel' in complaint(capsys, 'inspect', path)


@pytest.mark.parametrize(
  'arguments',
  [
    [],
    ['frob'],
    ['inspect'],
    ['evaluate'],
    ['inspect', 'a.npz', 'b.npz'],
    ['inspect', 'a.npz', '--data', 'mnist'],
    ['evaluate', 'a.npz', '--model'],
    ['evaluate', 'a.npz', '--fast'],
  ],
  ids=' '.join,
)
def test_wrong_usage(capsys, arguments):
  assert '--help' in complaint(capsys, *arguments, code=2)


@pytest.mark.parametrize('option', ['--help', '--version'])
def test_help_and_version(capsys, option):
  code, out, err = run(capsys, option)
  assert (code, err) == (0, '') and out


def test_names_that_mean_something_to_a_terminal(capsys, tmp_path):
  path = tmp_path / '[red]:smile:[' / 'x.npz'
  path.parent.mkdir()
  names = ['fc[/b]/kernel', ':smile:/kernel', f'{"deep/" * 40}kernel']
  np.savez(path, **{name: np.ones((2, 2)) for name in names})
  code, out, _ = run(capsys, 'inspect', path)
  assert code == 0
  # A name that is longer than the line goes on in the next one.
  cells = [line.split('│')[1] for line in out.splitlines() if '│' in line]
  joined = ''.join(cell.strip() for cell in cells)
  assert all(name in joined for name in names)
  assert out.count('2 x 2') == 3


def test_in_a_shell(file, run_folder):
  done = in_a_shell('inspect', file, '--json')
  assert (done.returncode, done.stderr) == (0, '')
  assert json.loads(done.stdout)['total']['size'] == 266_610
  done = in_a_shell('evaluate', run_folder / 'gone')
  assert (done.returncode, done.stdout) == (1, '')
  assert done.stderr.startswith('error: ') and 'Traceback' not in done.stderr


def test_in_a_shell_without_unicode(file):
  done = in_a_shell(
    'inspect', file, env=os.environ | {'PYTHONIOENCODING': 'ascii'}
  )
  assert (done.returncode, done.stderr) == (0, '')
  assert 'ip1/kernel' in done.stdout and done.stdout.isascii()


def test_a_reader_that_goes_away(file):
  reading, writing = os.pipe()
  os.close(reading)
  try:
    done = in_a_shell('inspect', file, stdout=writing)
  finally:
    os.close(writing)
  assert (done.returncode, done.stderr) == (141, '')


@pytest.mark.skipif(not os.path.exists('/dev/full'), reason='needs /dev/full')
def test_a_disk_that_is_full(file):
  with open('/dev/full', 'w') as full:
    done = in_a_shell('inspect', file, stdout=full)
  assert done.returncode == 1
  assert done.stderr.startswith('error: ') and done.stderr.count('\n') == 1
