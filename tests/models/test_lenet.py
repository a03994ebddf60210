"""The LeNets: layers, filler, published weights, and one training step."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax import lax

import prunax
from prunax import convert, data, models, tree
from prunax.errors import InputError

SHAPES = {
  'lenet5': {
    'conv1': (5, 5, 1, 20),
    'conv2': (5, 5, 20, 50),
    'ip1': (800, 500),
    'ip2': (500, 10),
  },
  'lenet300100': {'ip1': (784, 300), 'ip2': (300, 100), 'ip3': (100, 10)},
}
SIZES = {'lenet5': 431_080, 'lenet300100': 266_610}


def dense(x, layer):
  return x @ layer['kernel'] + layer['bias']


def convolved(x, layer):
  labels = ('NHWC', 'HWIO', 'NHWC')
  y = lax.conv_general_dilated(
    x, layer['kernel'], (1, 1), 'VALID', dimension_numbers=labels
  )
  n, h, w, o = y.shape
  pooled = (y + layer['bias']).reshape(n, h // 2, 2, w // 2, 2, o)
  return pooled.max((2, 4))


def plain_lenet5(v, x):
  x = convolved(convolved(x, v['conv1']), v['conv2'])
  x = x.transpose(0, 3, 1, 2).reshape(len(x), 800)
  return dense(jax.nn.relu(dense(x, v['ip1'])), v['ip2'])


def plain_lenet300100(v, x):
  x = jax.nn.relu(dense(x.reshape(len(x), 784), v['ip1']))
  return dense(jax.nn.relu(dense(x, v['ip2'])), v['ip3'])


PLAIN = {'lenet5': plain_lenet5, 'lenet300100': plain_lenet300100}


def batch(n):
  rng = np.random.default_rng(0)
  x = rng.uniform(size=(n, 28, 28, 1)).astype(np.float32)
  return jnp.asarray(x), jnp.asarray(rng.integers(0, 10, n))


@pytest.fixture(params=SHAPES)
def model(request):
  return models.get(request.param)


def with_biases(model):
  """Initial variables whose biases are not all zero."""
  variables = model.init(jax.random.key(0))
  return jax.tree.map(lambda v: v + 0.01 * jnp.arange(v.shape[-1]), variables)


def test_leaves(model):
  variables = model.init(jax.random.key(0))
  wanted = {}
  for layer, shape in SHAPES[model.name].items():
    wanted |= {f'{layer}/kernel': shape, f'{layer}/bias': shape[-1:]}
  assert {k: v.shape for k, v in tree.named_leaves(variables).items()} == wanted
  assert sum(v.size for v in jax.tree.leaves(variables)) == SIZES[model.name]


def test_filler_is_the_xavier_of_caffe(model):
  for layer in model.init(jax.random.key(0)).values():
    kernel = np.asarray(layer['kernel'])
    limit = np.sqrt(3.0 / np.prod(kernel.shape[:-1]))
    assert 0.97 * limit < np.abs(kernel).max() <= limit
    np.testing.assert_allclose(kernel.std(), limit / 3**0.5, rtol=0.06)
    assert not layer['bias'].any()


def test_logits_and_gradients_are_those_of_the_layers_in_turn(model):
  variables = with_biases(model)
  x, y = batch(8)

  def loss(variables, apply):
    logits = apply(variables, x)
    entropy = optax.softmax_cross_entropy_with_integer_labels(logits, y)
    return entropy.mean(), logits

  def both(variables):
    return [
      jax.value_and_grad(loss, has_aux=True)(variables, apply)
      for apply in (model.apply, PLAIN[model.name])
    ]

  got, want = jax.jit(both)(variables)
  chex.assert_trees_all_close(got, want, rtol=1e-4, atol=1e-5)


def test_flat_images_are_as_good():
  model = models.get('lenet300100')
  variables, (x, _) = with_biases(model), batch(3)
  np.testing.assert_array_equal(
    model.apply(variables, x.reshape(3, 784)), model.apply(variables, x)
  )


def test_a_block_of_steps_is_one_trace_and_learns(model):
  x, y = batch(64)
  traces = []

  def loss(variables, rows):
    traces.append(1)
    logits = model.apply(variables, x[rows], train=True, rngs=jax.random.key(0))
    return optax.softmax_cross_entropy_with_integer_labels(
      logits, y[rows]
    ).mean()

  def step(variables, rows):
    value, grads = jax.value_and_grad(loss)(variables, rows)
    return jax.tree.map(lambda v, g: v - 0.1 * g, variables, grads), value

  rows = jnp.tile(jnp.arange(64).reshape(2, 32), (15, 1))
  block = jax.jit(lambda variables: lax.scan(step, variables, rows))
  _, losses = block(model.init(jax.random.key(0)))
  assert len(traces) == 1
  assert losses[-2:].mean() < losses[:2].mean() - 0.02


PUBLISHED = {'lenet5': 9909, 'lenet300100': 9773}


def test_published_weights_are_exactly_as_good(model, models_dir, data_dir):
  path = models_dir / f'{model.name}_reference.caffemodel'
  variables = models.checked(model, convert.load(path).tree, path.name)
  test = data.load('mnist', data_dir).test
  apply = jax.jit(model.apply)
  right = 0
  for i in range(0, 10_000, 250):
    logits = apply(variables, data.scale(test.x[i : i + 250]))
    right += int(np.sum(np.argmax(logits, -1) == test.y[i : i + 250]))
  assert right == PUBLISHED[model.name]


def test_lenet5_written_out_answers_as_the_arrays():
  model = models.get('lenet5')
  rng = np.random.default_rng(0)
  net = jax.tree.map(
    lambda x: np.where(rng.random(x.shape) < 0.05, x, 0),
    model.init(jax.random.key(0)),
  )
  x = jnp.asarray(rng.random((9, 28, 28, 1)), jnp.float32)
  small = prunax.shrink(model.apply, net, x)
  want = model.apply(net, x)
  for variables in (net, small.variables):
    got = jax.jit(models.sparse_lenet5(variables))(x)
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)


def changed(name, change):
  net = jax.tree.map(
    lambda x: np.zeros(x.shape, x.dtype),
    models.get('lenet5').init(jax.random.key(0)),
  )
  layer, leaf = name.split('/')
  net[layer][leaf] = change(net[layer][leaf])
  return net


@pytest.mark.parametrize(
  'name, change, sentence',
  [
    ('conv2/kernel', lambda x: x[:, :, :10], r'shape \(5, 5, 20, 50\)'),
    ('ip1/bias', lambda x: x[0], r'must have the shape'),
    ('conv2/kernel', lambda x: x + 1, 'at most 5,000 weights .* got 25,000'),
    ('ip2/bias', lambda x: x.astype(complex), 'an array of numbers'),
    ('ip2/bias', lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), 'numbers'),
    ('ip2/bias', lambda x: {'more': x}, 'give the variables of LeNet-5'),
  ],
)
def test_only_lenet5_is_written_out(name, change, sentence):
  with pytest.raises(InputError, match=sentence):
    models.sparse_lenet5(changed(name, change))


def test_weights_that_are_written_out_are_known_and_kept():
  net = changed('ip2/bias', lambda x: x + 1)
  x = jnp.ones((2, 28, 28, 1))
  answers = models.sparse_lenet5(net)
  net['ip2']['bias'] += 1
  np.testing.assert_array_equal(answers(x), np.ones((2, 10)))
  with pytest.raises(InputError, match='outside of jit'):
    jax.jit(lambda v: models.sparse_lenet5(v)(x))(net)
  with pytest.raises(InputError, match=r'images must be \[n, 28, 28, 1\]'):
    answers(x[..., 0])
