"""`prunax evaluate`, on every kind of file, model and data."""

import jax
import ml_dtypes
import numpy as np
import pytest

from prunax import convert, data, models, tree


@pytest.mark.parametrize(
  ('name', 'model', 'errors', 'alive', 'size'),
  [
    ('lenet5_reference', 'lenet5', 91, 431_080, 431_080),
    ('lenet300100_reference', 'lenet300100', 227, 266_610, 266_610),
    ('lenet5_dns_sparse', 'lenet5', 91, 3_993, 431_080),
  ],
)
def test_published_models(
  answer, models_dir, mnist_dir, name, model, errors, alive, size
):
  path = models_dir / f'{name}.caffemodel'
  arguments = (path, '--data', 'mnist', '--model', model)
  assert answer('evaluate', *arguments) == {
    'accuracy': (10_000 - errors) / 10_000,
    'errors': errors,
    'count': 10_000,
  }
  total = answer('inspect', path)['total']
  assert (total['alive'], total['size']) == (alive, size)
  assert total['ratio'] == size / alive


def test_evaluate_agrees_with_the_model(run, answer, file, weights):
  x, y = data.load('digits').test
  hidden = x.reshape(len(x), -1) / np.float32(256)
  for layer in ('ip1', 'ip2', 'ip3'):
    hidden = hidden @ weights[f'{layer}/kernel'] + weights[f'{layer}/bias']
    if layer != 'ip3':
      hidden = np.maximum(hidden, 0)
  right = int(np.sum(hidden.argmax(-1) == y))
  found = answer('evaluate', file, '--data', 'digits')
  assert found == {
    'accuracy': right / 360,
    'errors': 360 - right,
    'count': 360,
  }
  _, out, _ = run('evaluate', file, '--data', 'digits')
  assert out == f'{100 * right / 360:.2f} % right, {360 - right} wrong of 360\n'


def test_a_run_folder_is_its_last_artifact(answer, run_folder, file):
  found = answer('inspect', run_folder)
  assert found == answer('inspect', file)
  # Neither the model nor the data need be said: the artifact records them.
  plain = answer('evaluate', file, '--data', 'digits')
  assert answer('evaluate', run_folder) == plain


@pytest.mark.parametrize('suffix', ['.safetensors', '.caffemodel'])
def test_evaluate_says_the_same_of_every_kind(
  answer, complaint, file, weights, tmp_path, suffix
):
  path = tmp_path / f'other{suffix}'
  meta = {'model': 'lenet300100', 'data': 'digits'}
  convert.save(path, tree.nest(weights), meta)
  wanted = answer('evaluate', file, '--data', 'digits')
  assert answer('evaluate', path, '--data', 'digits') == wanted
  if suffix == '.safetensors':
    assert answer('evaluate', path) == wanted
  else:
    assert 'does not record it' in complaint('evaluate', path)


def test_what_is_said_beats_what_is_recorded(
  answer, complaint, run_folder, images
):
  found = answer('evaluate', run_folder, '--data', images)
  assert found['count'] == 7
  error = complaint('evaluate', run_folder, '--model', 'lenet5')
  assert "the model 'lenet5'" in error


def test_a_recorded_npz_is_judged_by_its_test_part(
  answer, weights, tmp_path, monkeypatch
):
  x, y = data.load('digits').test
  np.savez(tmp_path / 'mine.npz', x=x[:100], y=y[:100])
  meta = {'model': 'lenet300100', 'data': 'mine.npz'}
  convert.npz.save(tmp_path / 'run.npz', tree.nest(weights), meta)
  monkeypatch.chdir(tmp_path)
  assert answer('evaluate', 'run.npz')['count'] == 10
  whole = answer('evaluate', 'run.npz', '--data', 'mine.npz')
  assert whole['count'] == 100


@pytest.mark.parametrize(
  'shape', [(7, 28, 28), (7, 28, 28, 1), (7, 784)], ids=str
)
@pytest.mark.parametrize('dtype', ['uint8', 'float32', 'float64', 'float16'])
def test_every_form_of_a_users_images(
  answer, file, images, tmp_path, shape, dtype
):
  with np.load(images) as entries:
    x, y = entries['x'], entries['y']
  if dtype != 'uint8':
    x = x.astype(dtype) / 256
  path = tmp_path / 'MINE.NPZ'
  with path.open('wb') as out:
    np.savez(out, x=x.reshape(shape), y=y.astype('int64'))
  wanted = answer('evaluate', file, '--data', images)
  assert answer('evaluate', file, '--data', path) == wanted


def test_flat_images_into_a_convolution(answer, images, tmp_path):
  path, flat = tmp_path / 'lenet5.npz', tmp_path / 'flat.npz'
  variables = models.get('lenet5').init(jax.random.key(1))
  np.savez(path, **tree.named_leaves(variables))
  with np.load(images) as entries:
    np.savez(flat, x=entries['x'].reshape(7, -1), y=entries['y'])
  wanted = answer('evaluate', path, '--data', images)
  assert answer('evaluate', path, '--data', flat) == wanted


@pytest.mark.parametrize('dtype', ['float64', 'float16', 'bfloat16'])
def test_weights_of_any_width(answer, weights, images, tmp_path, dtype):
  narrow = np.dtype(getattr(ml_dtypes, dtype, dtype))
  path = tmp_path / 'ours.npz'
  leaves = {k: v.astype(narrow) for k, v in weights.items()}
  convert.npz.save(path, tree.nest(leaves), {})
  assert answer('evaluate', path, '--data', images)['count'] == 7


def test_a_lone_example(answer, file, tmp_path):
  path = tmp_path / 'one.npz'
  np.savez(path, x=np.zeros((1, 784), np.uint8), y=np.array([3]))
  found = answer('evaluate', file, '--data', path)
  assert found['count'] == 1 and found['accuracy'] == 1 - found['errors']
