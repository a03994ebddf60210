"""Learning from a teacher: its loss, a run that is taught, what is refused."""

import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from prunax import convert, data, losses, models, teaching, train, tree
from prunax.errors import InputError
from prunax.rundir import RunDir
from prunax.runs import Run

LOGITS = jnp.array([[2.0, 0.0, -1.0], [0.5, 0.5, 3.0]])
LABELS = jnp.array([0, 1])
ANSWERS = jnp.array([[1.0, 0.0, 0.0], [0.0, 2.0, 2.0]])


def taught(weight, temperature, logits=LOGITS):
  said = losses.Teaching(ANSWERS, weight, temperature)
  return losses.taught_loss(logits, LABELS, said)


def test_by_hand():
  p = np.exp(np.array(ANSWERS) / 2)
  p /= p.sum(-1, keepdims=True)
  q = np.exp(np.array(LOGITS) / 2)
  q /= q.sum(-1, keepdims=True)
  soft = -4 * (p * np.log(q)).sum(-1).mean()
  hard = float(losses.cross_entropy(LOGITS, LABELS))
  wanted = 0.9 * soft + 0.1 * hard
  np.testing.assert_allclose(taught(0.9, 2.0), wanted, rtol=1e-5)


def test_who_answers_as_the_teacher_learns_nothing_from_it():
  slope = jax.grad(lambda z: taught(1.0, 2.0, z))(ANSWERS)
  np.testing.assert_allclose(slope, 0, atol=1e-6)
  assert np.abs(jax.grad(lambda z: taught(0.9, 2.0, z))(ANSWERS)).max() > 0.01


def test_an_equal_answer_to_all_is_a_smoothed_label():
  said = losses.Teaching(jnp.zeros_like(ANSWERS), 0.3, 1.0)
  smooth = optax.smooth_labels(jax.nn.one_hot(LABELS, 3), 0.3)
  wanted = jnp.mean(optax.softmax_cross_entropy(LOGITS, smooth))
  got = losses.taught_loss(LOGITS, LABELS, said)
  np.testing.assert_allclose(got, wanted, rtol=1e-6)


@pytest.fixture(scope='module')
def teacher(tmp_path_factory):
  """A network of another kind, barely trained: its answers differ."""
  model = models.get('lenet300100')
  variables = model.init(jax.random.key(7))
  path = tmp_path_factory.mktemp('teacher') / 'teacher.npz'
  convert.npz.save(path, jax.tree.map(np.asarray, variables), {})
  return str(path)


SHORT = {
  'stages': ('finetune',),
  'dense.steps': 20,
  'finetune.steps': 20,
  'data.validation': 50,
}


def entry(path, **changes):
  told = {'model': 'lenet300100', 'weights': path}
  return {'teacher': told | {'weight': 0.9, 'temperature': 2.0} | changes}


def weights_of(config, folder):
  run = Run(config, folder)
  run.execute()
  return [
    tree.named_leaves(convert.load(path).tree)['ip3/kernel']
    for path in run.folder.artifacts()
  ]


def test_a_run_is_taught_after_its_dense_start(tmp_path, small, teacher):
  plain = weights_of(small.make(SHORT), tmp_path / 'plain')
  told = entry(teacher)
  first = weights_of(small.make(SHORT, told), tmp_path / 'first')
  again = weights_of(small.make(SHORT, told), tmp_path / 'again')
  np.testing.assert_array_equal(first[0], plain[0])
  assert np.abs(first[1] - plain[1]).max() > 1e-4
  np.testing.assert_array_equal(first[1], again[1])


def test_a_taught_student_answers_more_like_its_teacher(
  tmp_path, small, teacher
):
  def away(config, folder):
    run = Run(config, folder)
    run.execute()
    student = convert.load(run.folder.last_artifact()).tree
    x = run.dataset.test.x / np.float32(256)
    says = [
      jax.nn.log_softmax(run.model.apply(v, x, train=False))
      for v in (convert.load(teacher).tree, student)
    ]
    return float(jnp.mean(jnp.sum(jnp.exp(says[0]) * (says[0] - says[1]), -1)))

  long = SHORT | {'finetune.steps': 200}
  plain = away(small.make(long), tmp_path / 'plain')
  assert away(small.make(long, entry(teacher)), tmp_path / 'taught') < plain / 2


def test_its_answers_are_row_by_row_those_of_the_network(small, teacher):
  run = Run(small.make(SHORT, entry(teacher)), 'unused')
  x, y = run.dataset.train
  examples = train.Examples(x, y, data.scale, lambda *_: np.zeros((1, 1)))
  there = teaching.of_run(run.config, run.folder, False, run.model)
  says = teaching.taught(examples, there).teaching
  assert says[1:] == (0.9, 2.0)
  assert says.logits.shape == (len(y), 10)
  for i in (0, 251, len(y) - 1):
    alone = run.model.apply(there.variables, data.scale(x[i : i + 1]))
    np.testing.assert_allclose(says.logits[i], alone[0], rtol=1e-4, atol=1e-5)


def test_a_resumed_run_keeps_its_teacher(tmp_path, small, teacher):
  told = tmp_path / 'told.npz'
  told.write_bytes(pathlib.Path(teacher).read_bytes())
  config = small.make(SHORT, entry(str(told)), {'checkpoint_every': 10})
  first = weights_of(config, tmp_path / 'run')
  told.unlink()
  folder = RunDir(tmp_path / 'run')
  # As after a kill in the taught stage.
  folder.summary.unlink()
  folder.last_artifact().unlink()
  again = weights_of(config, tmp_path / 'run')
  np.testing.assert_array_equal(again[1], first[1])
  # And a finished run needs no teacher.
  assert Run(config, tmp_path / 'run').execute()
  with pytest.raises(InputError, match=r'told\.npz'):
    Run(config, tmp_path / 'run').execute(overwrite=True)
  assert folder.summary.exists()


def test_another_teacher_makes_another_run(tmp_path, small, teacher):
  Run(small.make(SHORT, entry(teacher)), tmp_path).execute()
  other = small.make(SHORT, entry(teacher, temperature=3.0))
  with pytest.raises(InputError, match=r'teacher\.temperature'):
    Run(other, tmp_path).execute()


def test_the_record_names_the_teacher(tmp_path, small, teacher):
  summary = Run(small.make(SHORT, entry(teacher)), tmp_path).execute()
  dense, taught_stage = summary['stages']
  assert 'teacher' not in dense
  assert taught_stage['teacher'] == {
    'model': 'lenet300100',
    'weights': 'teacher.npz',
    'weight': 0.9,
    'temperature': 2.0,
  }


@pytest.mark.parametrize(
  ('changes', 'named'),
  [
    ({'weight': 0.0}, "'teacher.weight'"),
    ({'weight': 1.5}, "'teacher.weight'"),
    ({'weight': True}, "'teacher.weight'"),
    ({'temperature': -1.0}, "'teacher.temperature'"),
    ({'temperature': float('inf')}, "'teacher.temperature'"),
    ({'temperature': 'hot'}, "'teacher.temperature'"),
    ({'model': 'resnet50'}, "'resnet50'"),
    ({'weights': 'nowhere.npz'}, 'nowhere.npz'),
    ({'wieght': 0.5}, 'wieght'),
  ],
)
def test_a_bad_teacher_is_one_sentence(
  tmp_path, small, teacher, changes, named
):
  with pytest.raises(InputError) as e:
    Run(small.make(SHORT, entry(teacher, **changes)), tmp_path).execute()
  assert named in str(e.value)
  assert not list((tmp_path).rglob('*.npz'))


def test_a_teacher_that_is_not_at_hand(tmp_path, small, monkeypatch):
  monkeypatch.delenv('PRUNAX_MODELS_DIR', raising=False)
  run = Run(small.make(SHORT, entry('lenet5_reference')), tmp_path / 'run')
  with pytest.raises(InputError, match='PRUNAX_MODELS_DIR'):
    run.execute()
  assert not (tmp_path / 'run').exists()


def test_a_teacher_is_a_group_of_entries(tmp_path, small):
  with pytest.raises(InputError, match="'teacher'"):
    Run(small.make(SHORT, {'teacher': 'lenet5_reference'}), tmp_path)
