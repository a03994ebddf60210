"""What `prunax evaluate` refuses, each in one sentence."""

import numpy as np
import pytest

from prunax import convert
from prunax import weights as store


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
def test_data_that_does_not_fit(complaint, file, tmp_path, x, y, words):
  path = tmp_path / 'misfit.npz'
  np.savez(path, x=x, y=np.asarray(y))
  error = complaint('evaluate', file, '--data', path)
  assert words in error and 'misfit.npz' in error


def test_data_without_labels(complaint, file, tmp_path):
  path = tmp_path / 'unlabelled.npz'
  np.savez(path, x=np.zeros((2, 784), np.uint8))
  error = complaint('evaluate', file, '--data', path)
  assert "'y'" in error and 'unlabelled.npz' in error


def test_unknown_names(complaint, file, images):
  error = complaint('evaluate', file, '--data', 'cats')
  assert "'cats'" in error and 'mnist' in error
  error = complaint('evaluate', file, '--data', images, '--model', 'alexnet')
  assert "'alexnet'" in error
  error = complaint('evaluate', file, '--data', 'gone.npz')
  assert 'gone.npz' in error


def test_data_that_must_be_said(complaint, file):
  error = complaint('evaluate', file)
  assert '--data' in error and 'plain.npz' in error


@pytest.mark.parametrize('suffix', ['.npz', '.prx', '.safetensors'])
@pytest.mark.parametrize(
  ('entry', 'value'),
  [('model', ['lenet5']), ('model', 1.5), ('data', 5), ('data', {'a': 1})],
)
def test_names_that_are_none(
  answer, complaint, file, images, tmp_path, suffix, entry, value
):
  path = tmp_path / f'told{suffix}'
  meta = {'model': 'lenet300100', 'data': 'digits', entry: value}
  store.save(path, convert.load(file).tree, meta)
  error = complaint('evaluate', path)
  assert str(path) in error and f"'{entry}'" in error and f'--{entry}' in error
  # What is said on the command line need not be recorded.
  options = ('--model', 'lenet300100', '--data', images)
  assert answer('evaluate', path, *options)['count'] == 7


def test_mnist_without_its_files(complaint, file, monkeypatch, tmp_path):
  monkeypatch.delenv('PRUNAX_DATA_DIR', raising=False)
  error = complaint('evaluate', file, '--data', 'mnist')
  assert 'PRUNAX_DATA_DIR' in error
  monkeypatch.setenv('PRUNAX_DATA_DIR', str(tmp_path))
  error = complaint('evaluate', file, '--data', 'mnist')
  assert str(tmp_path) in error


def test_weights_that_fit_no_model(complaint, images, tmp_path):
  path = tmp_path / 'other.npz'
  np.savez(path, **{'fc/kernel': np.ones((784, 10))})
  error = complaint('evaluate', path, '--data', images)
  assert 'other.npz' in error and 'lenet300100' in error
  error = complaint('evaluate', path, '--data', images, '--model', 'lenet5')
  assert "'lenet5'" in error and 'conv1/' in error


@pytest.mark.parametrize('value', [np.nan, np.inf, 1e300, 1j])
def test_weights_that_are_no_numbers(
  answer, complaint, weights, images, tmp_path, value
):
  path = tmp_path / 'bad.npz'
  np.savez(path, **weights | {'ip2/bias': np.full(100, value)})
  error = complaint('evaluate', path, '--data', images)
  assert 'ip2/bias' in error and 'bad.npz' in error
  assert answer('inspect', path)['total']['size'] == 266_610
