"""Running averages: moved by training, by nothing else, and kept everywhere."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import prunax
from prunax import commands, data, models, report_files, train, tree, weights
from prunax.models import zoo
from prunax.runs import Run
from prunax.search.settings import settings as search_settings
from prunax.searches import searching_hook
from prunax.stages import Task, perform
from prunax.transforms import optimizers

FEATURES, WIDTH, CLASSES, SIZE = 6, 5, 3, 24
MOMENTUM, KEY = 0.75, jax.random.key(3)
AVERAGES = ('norm/mean', 'norm/var')


class Net(nnx.Module):
  """Two dense layers with a batch normalization and a dropout between."""

  def __init__(self, rngs):
    self.hidden = nnx.Linear(FEATURES, WIDTH, rngs=rngs)
    self.norm = nnx.BatchNorm(WIDTH, momentum=MOMENTUM, rngs=rngs)
    self.drop = nnx.Dropout(0.5)
    self.out = nnx.Linear(WIDTH, CLASSES, rngs=rngs)

  def __call__(self, x, rngs=None):
    x = self.drop(nnx.relu(self.norm(self.hidden(x))), rngs=rngs)
    return self.out(x)


MODEL = models.nnx_model('normed', Net, (FEATURES,), CLASSES)


def variables():
  """Initial weights without zeros, and averages that are easily told."""
  made = jax.tree.map(
    lambda w: w + 0.01 * jnp.arange(1, 1 + w.shape[-1]),
    MODEL.init(jax.random.key(0)),
  )
  means = {'mean': jnp.arange(WIDTH) / 10.0, 'var': jnp.full(WIDTH, 2.0)}
  return made | {'norm': made['norm'] | means}


def examples():
  rng = np.random.default_rng(1)
  x = rng.normal(size=(SIZE, FEATURES)).astype(np.float32)
  y = rng.integers(0, CLASSES, SIZE).astype(np.int32)

  def indices(first, steps):
    return data.batch_indices('shuffle', SIZE, 8, first, steps, seed=5)

  return train.Examples(x, y, data.scale, indices)


def fitted(tx, steps, block=1, start=None, apply=MODEL.apply, key=KEY):
  """Where a training stands after each block, as copies."""
  params = variables()
  start = start or train.Progress(0, params, tx.init(params), {})
  start = jax.tree.map(lambda x: jnp.array(x, copy=True), start)
  blocks = train.fit(
    apply,
    tx,
    examples(),
    start._replace(step=int(start.step)),
    steps,
    block,
    key,
    None,
    MODEL.statistics,
  )
  return [jax.tree.map(np.array, now) for now in blocks]


def averages_of(params):
  leaves = tree.named_leaves(params)
  return {name: np.asarray(leaves[name]) for name in AVERAGES}


def test_the_averages_by_hand():
  given, shown = variables(), examples()
  ends = fitted(optax.sgd(0.0), 3)
  mean, var = given['norm']['mean'], given['norm']['var']
  for step, end in enumerate(ends):
    x = shown.x[shown.indices(step, 1)[0]]
    hidden = x @ given['hidden']['kernel'] + given['hidden']['bias']
    mean = MOMENTUM * mean + (1 - MOMENTUM) * hidden.mean(0)
    var = MOMENTUM * var + (1 - MOMENTUM) * hidden.var(0)
    np.testing.assert_allclose(end.params['norm']['mean'], mean, rtol=1e-5)
    np.testing.assert_allclose(end.params['norm']['var'], var, rtol=1e-5)


ALL = [('.*', 0.5)]
TRANSFORMS = {
  'decay': lambda: optax.chain(
    optax.add_decayed_weights(0.5), optax.sgd(0.5, momentum=0.9)
  ),
  'adamw': lambda: optax.adamw(0.1, weight_decay=0.5),
  'lars': lambda: optimizers.optimizer(
    {
      'name': 'lars',
      'weight_decay': 0.5,
      'schedule': {'policy': 'fixed', 'base': 0.1},
    }
  ),
  'dns': lambda: prunax.dns(
    optax.sgd(0.1), [('.*', {'c_rate': 1.0, 'gamma': 0.0})], KEY
  ),
  'gradual': lambda: optax.chain(
    optax.sgd(0.1), prunax.gradual(ALL, every=1, scope='global')
  ),
  'score': lambda: prunax.prune_by_score(optax.sgd(0.1), ALL, every=1),
  'inq': lambda: optax.chain(
    optax.sgd(0.1), prunax.inq([('.*', 3)], every=1, biases=True)
  ),
  'tie': lambda: optax.chain(prunax.tie([('.*', 100)]), optax.sgd(0.1)),
  'iter_size': lambda: optimizers.accumulate(
    optax.chain(optax.add_decayed_weights(0.5), optax.sgd(0.1)), 2
  ),
}


@pytest.mark.parametrize('name', TRANSFORMS)
def test_the_model_moves_the_averages_and_nothing_else_does(name):
  shown, before, moved = examples(), variables(), set()
  statistics = jax.jit(MODEL.statistics)
  for step, end in enumerate(fitted(TRANSFORMS[name](), 4)):
    x = shown.x[shown.indices(step, 1)[0]]
    _, want = statistics(before, x, jax.random.fold_in(KEY, step))
    for leaf, average in averages_of(want).items():
      got = averages_of(end.params)[leaf]
      # Of each micro-batch, too.
      np.testing.assert_allclose(got, average, rtol=1e-5, atol=1e-7)
    old = tree.named_leaves(before)
    moved |= {
      leaf
      for leaf, w in tree.named_leaves(end.params).items()
      if not np.array_equal(w, old[leaf])
    }
    before = end.params
  assert moved == set(tree.leaf_names(before))


@pytest.mark.parametrize('name', ['dns', 'iter_size'])
def test_a_break_changes_no_bit(name):
  unbroken = fitted(TRANSFORMS[name](), 6, block=2)
  resumed = fitted(TRANSFORMS[name](), 6, block=2, start=unbroken[0])
  jax.tree.map(np.testing.assert_array_equal, resumed, unbroken[1:])


def test_averages_have_no_gradient_whatever_training_reads():
  def seen():
    return optax.GradientTransformation(
      lambda params: jax.tree.map(jnp.zeros_like, params),
      lambda grads, state, params=None: (grads, grads),
    )

  def frozen(variables, x, rngs=None):
    return MODEL.apply(variables, x), variables

  params, tx = variables(), seen()
  rows = jnp.asarray(examples().indices(0, 1))
  run = train.block_function(
    MODEL.apply, tx, data.scale, KEY, statistics=frozen
  )
  x, y = jnp.asarray(examples().x), jnp.asarray(examples().y)
  _, grads, _ = run(params, tx.init(params), x, y, rows, jnp.int32(0))
  for leaf, g in tree.named_leaves(grads).items():
    assert np.any(g) != (leaf in AVERAGES), leaf


def test_the_key_of_a_step_reaches_the_dropout():
  tx = optax.sgd(0.1)
  first, same, other = (
    fitted(tx, 1, key=jax.random.key(seed))[0].metrics['loss']
    for seed in (0, 0, 1)
  )
  assert first == same != other


@pytest.mark.parametrize(
  ('tx', 'left'),
  [
    (TRANSFORMS['gradual'], 32),
    (
      lambda: prunax.prune_by_score(optax.sgd(0.1), [('.*', 20)], every=1),
      20,
    ),
  ],
)
def test_only_weights_are_ranked_and_counted(tx, left):
  # 30 + 5 of `hidden`, 2 x 5 of `norm`, 15 + 3 of `out`.
  end = fitted(tx(), 1)[0]
  leaves = tree.named_leaves(end.params)
  alive = sum(np.count_nonzero(leaves[n]) for n in leaves if n not in AVERAGES)
  assert (alive, end.metrics['density']) == (left, left / 63)
  assert all(np.all(leaves[name] != 0) for name in AVERAGES)
  assert set(end.metrics['layers']) == {'hidden', 'norm', 'out'}


def test_a_search_judges_with_the_averages_of_now():
  rules = [('.*', {'c_rate': 0.0, 'gamma': 1.0, 'iter_stop': 9})]
  start = variables()
  tx = prunax.dns(optax.sgd(0.1), rules, KEY)

  def accuracy(params):
    return params['norm']['var'][0] / 4

  hook = searching_hook(
    start,
    rules,
    KEY,
    accuracy,
    lambda step: (),
    search_settings(
      {'every': 1, 'delta': 0.1, 'generations': 1, 'search': 'random'}
    ),
  )
  now = start | {'norm': start['norm'] | {'var': jnp.full(WIDTH, 3.0)}}
  params, state, said = hook.act(1, now, tx.init(start))
  assert said['accuracy'] == 0.75
  np.testing.assert_array_equal(params['norm']['var'], 3.0)
  np.testing.assert_array_equal(state.dense['norm']['var'], 3.0)


@pytest.mark.parametrize(
  ('kind', 'settings'),
  [('prune_once', {'rules': ALL}), ('share', {'rules': [('.*', 2)]})],
)
def test_stages_prune_and_share_weights_alone(kind, settings):
  def fit(variables, tx, steps, key, hook=None):
    return variables, tx.init(variables)

  task = Task(MODEL, fit, examples(), data.Split(*examples()[:2]))
  optimizer = {'name': 'sgd', 'schedule': {'policy': 'fixed', 'base': 0.1}}
  settings = settings | {'steps': 1, 'optimizer': optimizer}
  after, facts, _ = perform(kind, task, variables(), KEY, settings)
  given = tree.named_leaves(variables())
  for leaf, w in tree.named_leaves(after).items():
    assert np.array_equal(w, given[leaf]) == (leaf in AVERAGES), leaf
  assert not set(facts.get('levels', {})) & set(AVERAGES)


def test_files_keep_the_averages_and_count_them_as_bytes_alone(tmp_path):
  given = jax.tree.map(np.asarray, variables())
  source, packed = tmp_path / 'net.npz', tmp_path / 'net.prx'
  weights.save(source, given, {})
  told = commands.pack(str(source), str(packed))
  for path in (source, packed):
    back = weights.load(path).tree
    jax.tree.map(np.testing.assert_array_equal, back, given)
    said = commands.inspect(str(path))
    total = said['total']
    assert [total[k] for k in ('size', 'alive', 'averages')] == [63, 63, 10]
    assert (total['ratio'], total['ratio_weights']) == (1.0, 1.0)
    rows = {row['name']: row for row in said['leaves']}
    assert [rows[name]['alive'] for name in AVERAGES] == [None, None]
    assert rows['norm/scale']['alive'] == 5
    assert 'norm/mean' in report_files.leaves_text('net', said)
  assert told['total']['ratio_bytes'] == 4 * 73 / packed.stat().st_size
  assert 'norm/mean' in report_files.packed_text('net', told)


SLIM = {
  'vgg16': lambda: zoo.vgg.vgg16('slim', [3] * 14),
  'resnet20': lambda: zoo.resnet.cifar_resnet('slim', 20, 1, (2, 3, 4)),
  'mobilenet': lambda: zoo.mobilenet.cifar_mobilenet('slim', [3] * 14),
}


@pytest.fixture
def run_of(small, tmp_path, monkeypatch):
  """Makes a run of two steps of a model, on random examples."""
  monkeypatch.setattr(zoo, '_REGISTERED', {})
  monkeypatch.setattr(zoo, '_BUILT', {})

  def make(model):
    models.register('mine', lambda: model)
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (20, *model.input_shape), np.uint8)
    np.savez(tmp_path / 'mine.npz', x=x, y=np.arange(20) % model.classes)
    changes = {
      'model': 'mine',
      'data.name': str(tmp_path / 'mine.npz'),
      'data.batch': 6,
      'stages': (),
      'dense.steps': 2,
      'block': 1,
      'checkpoint_every': 1,
    }
    return Run(small.make(changes), tmp_path / 'run')

  return make


def test_a_run_goes_on_from_the_averages_of_its_checkpoint(run_of):
  run = run_of(MODEL)
  run.execute()
  after = weights.load(run.folder.last_artifact()).tree
  # As if the second step had been cut short; what is not in the checkpoint
  # would show.
  run.folder.summary.unlink()
  run.folder.last_artifact().unlink()
  run_of(MODEL._replace(init=lambda key: variables())).execute()
  again = weights.load(run.folder.last_artifact()).tree
  jax.tree.map(np.testing.assert_array_equal, again, after)


@pytest.mark.parametrize('name', SLIM)
def test_two_steps_of_a_run(name, run_of):
  run = run_of(SLIM[name]())
  row = run.execute()['stages'][0]
  after = weights.load(run.folder.last_artifact()).tree
  # As the stage `dense` draws them.
  key = jax.random.fold_in(jax.random.key(run.config['seed']), 0)
  fresh = run.model.init(jax.random.split(key)[0])
  old, new = tree.named_leaves(fresh), tree.named_leaves(after)
  found = [n for n in new if n.endswith(('/mean', '/var'))]
  assert found and not any(np.array_equal(old[n], new[n]) for n in found)
  assert row['averages'] == sum(new[n].size for n in found)
  assert row['size'] == sum(new[n].size for n in new) - row['averages']

  # Those that training left decide what is answered.
  apply = jax.jit(run.model.apply)
  images = data.scale(run.dataset.test.x)
  guesses = np.argmax(apply(after, images), -1)
  answered = weights.load(run.folder.predictions).tree['predictions']
  np.testing.assert_array_equal(guesses, answered)
  other = tree.nest(new | {n: old[n] for n in found})
  assert not np.allclose(apply(other, images), apply(after, images))
