"""Which weights lie on a path, by hand and on a real network."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from prunax import models, paths


def apply(variables, x):
  hidden = jax.nn.relu(x @ variables['a']['kernel'] + variables['a']['bias'])
  return hidden @ variables['b']['kernel'] + variables['b']['bias']


def net(first, second, bias=(0.0, 0.0, 0.0)):
  return {
    'a': {'kernel': jnp.array(first), 'bias': jnp.array(bias)},
    'b': {'kernel': jnp.array(second), 'bias': jnp.array([1.0, 0.0])},
  }


def test_by_hand():
  # The second unit has no input, the third no output.
  variables = net(
    [[-1.0, 0.0, 2.0], [0.0, 0.0, 1.0]], [[0.0, 3.0], [1.0, 1.0], [0.0, 0.0]]
  )
  masks = paths.effective(apply, variables, (2,))
  assert masks['a']['kernel'].tolist() == [[True, False, False], [False] * 3]
  assert masks['b']['kernel'].tolist() == [
    [False, True],
    [False, False],
    [False, False],
  ]
  found = paths.summary(apply, variables, (2,))
  # The last layer's one bias is heard.
  assert found == {'effective': 3, 'units': {'a': [1, 3], 'b': [1, 2]}}


def test_a_bias_is_no_input():
  variables = net(
    [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]],
    [[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]],
    bias=(0.0, 5.0, 5.0),
  )
  masks = paths.effective(apply, variables, (2,))
  # What has no input is no path, though its bias reaches an output.
  assert masks['a']['bias'].tolist() == [False, False, False]
  assert masks['b']['kernel'][:, 0].tolist() == [True, False, False]


@pytest.mark.parametrize('name', ['lenet5', 'lenet300100'])
def test_a_dense_network_is_all_effective(name):
  model = models.get(name)
  variables = jax.tree.map(
    lambda x: jnp.ones_like(x), model.init(jax.random.key(0))
  )
  found = paths.summary(model.apply, variables, model.input_shape)
  assert found['effective'] == sum(x.size for x in jax.tree.leaves(variables))
  assert all(active == size for active, size in found['units'].values())


def test_a_dead_filter_takes_its_consumers_with_it():
  model = models.get('lenet5')
  variables = jax.tree.map(
    lambda x: np.ones(x.shape, np.float32), model.init(jax.random.key(0))
  )
  variables['conv1']['kernel'][..., 3] = 0.0
  masks = paths.effective(model.apply, variables, model.input_shape)
  assert not masks['conv2']['kernel'][:, :, 3].any()
  assert masks['conv2']['kernel'][:, :, :3].all()


def test_nothing_is_said_of_what_it_does_not_understand():
  def normed(variables, x):
    return variables['n']['scale'] * (x @ variables['n']['kernel'])

  variables = {'n': {'kernel': jnp.ones((2, 3)), 'scale': jnp.ones(3)}}
  assert paths.summary(normed, variables, (2,)) == {}


def test_what_a_bias_sets_in_motion_is_used():
  # The second unit has no input but a bias, the third no output.
  variables = net(
    [[-1.0, 0.0, 2.0], [0.0, 0.0, 1.0]],
    [[0.0, 3.0], [1.0, 1.0], [0.0, 0.0]],
    bias=(0.0, 0.5, 0.5),
  )
  masks = paths.used(apply, variables, (2,))
  assert masks['a']['bias'].tolist() == [False, True, False]
  assert masks['a']['kernel'].tolist() == [[True, False, False], [False] * 3]
  assert masks['b']['kernel'].tolist() == [
    [False, True],
    [True, True],
    [False, False],
  ]


@pytest.mark.parametrize('name', ['lenet5', 'lenet300100'])
def test_without_what_is_not_used_no_output_changes(name):
  model = models.get(name)
  rng = np.random.default_rng(3)
  variables = jax.tree.map(
    lambda x: np.where(
      rng.random(x.shape) < 0.004, rng.normal(size=x.shape), 0
    ).astype(np.float32),
    model.init(jax.random.key(0)),
  )
  masks = paths.used(model.apply, variables, model.input_shape)
  kept = jax.tree.map(lambda x, m: np.where(m, x, 0), variables, masks)
  x = jax.random.uniform(jax.random.key(2), (10, *model.input_shape))
  before, after = (model.apply(v, x, train=False) for v in (variables, kept))
  np.testing.assert_array_equal(before, after)
  dropped = sum(
    int(((v != 0) & ~m).sum())
    for v, m in zip(
      jax.tree.leaves(variables), jax.tree.leaves(masks), strict=True
    )
  )
  assert dropped > 0
