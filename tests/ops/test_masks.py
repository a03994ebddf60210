"""The mask rules by hand, and on the weights that the papers started from."""

import jax.numpy as jnp
import numpy as np
import pytest

from prunax import convert
from prunax.ops import masks

# layer: c_rate, non-zero count, mean, std, threshold, kept weights and biases
GOLDEN = {
  'lenet5_reference': {
    'conv1': (2.0, 520, 0.18603409, 0.11688530, 0.419805, 30, 0),
    'conv2': (3.0, 25050, 0.03399585, 0.02424894, 0.106743, 419, 4),
    'ip1': (4.0, 400500, 0.02186690, 0.01342471, 0.075566, 255, 0),
    'ip2': (2.5, 5010, 0.05773940, 0.04210235, 0.162995, 188, 0),
  },
  'lenet300100_reference': {
    'ip1': (0.001, 235500, 0.02449678, 0.01746798, 0.024514, 119329, 184),
    'ip2': (0.001, 30100, 0.04706922, 0.03450840, 0.047104, 14669, 54),
    'ip3': (0.001, 1010, 0.18891123, 0.14173805, 0.189053, 474, 0),
  },
}


@pytest.mark.parametrize('model', GOLDEN)
def test_one_shot_surgery_of_the_reference_models(models_dir, model):
  net = convert.load(models_dir / f'{model}.caffemodel').tree
  for layer, (c, n, mean, std, limit, *kept) in GOLDEN[model].items():
    leaves = [jnp.asarray(net[layer][k]) for k in ('kernel', 'bias')]
    assert sum(int((x != 0).sum()) for x in leaves) == n
    got_mean, got_std = masks.moments(leaves)
    np.testing.assert_allclose(got_mean, mean, rtol=1e-5)
    np.testing.assert_allclose(got_std, std, rtol=1e-5)
    t = masks.threshold(got_mean, got_std, c)
    np.testing.assert_allclose(t, limit, atol=1e-6)
    alive = [
      masks.hysteresis(x, jnp.ones_like(x, bool), 0.9 * t, 1.1 * t)
      for x in leaves
    ]
    assert [int(m.sum()) for m in alive] == kept


def test_moments_pool_weights_and_biases_and_skip_zeros():
  kernel = jnp.array([[1.0, -2.0], [0.0, 0.0]])
  bias = jnp.array([3.0, 0.0])
  mean, std = masks.moments([kernel, bias])
  np.testing.assert_allclose([mean, std], [2.0, np.sqrt(2 / 3)], rtol=1e-6)


def test_hysteresis_keeps_the_undecided():
  x = jnp.array([0.9, -0.9, 1.0, 1.0, 1.1, -1.11])
  mask = jnp.array([True, False, True, False, False, False])
  got = masks.hysteresis(x, mask, jnp.float32(0.9), jnp.float32(1.1))
  assert got.tolist() == [False, False, True, False, False, True]


def test_exact_hysteresis_is_the_hysteresis_of_some_threshold():
  rng = np.random.default_rng(0)
  x = jnp.asarray(rng.normal(size=500), jnp.float32)
  mask = jnp.asarray(rng.random(500) < 0.3)
  (got,) = masks.exact_hysteresis([x], [mask], 60, 0.9, 1.1)
  assert int(got.sum()) == 60
  size = np.abs(x)
  lower = np.where(mask, size / 0.9, size / 1.1)[got].min()
  upper = np.where(mask, size / 0.9, size / 1.1)[~got].max()
  t = (lower + upper) / 2
  np.testing.assert_array_equal(
    got, masks.hysteresis(x, mask, 0.9 * t, 1.1 * t)
  )


@pytest.mark.parametrize(
  ('width', 'pruned'),
  [(0.674, 0.5), (0.994, 0.68), (1.281, 0.8), (1.644, 0.9), (1.959, 0.95)],
)
def test_the_gaussian_table(width, pruned):
  x = np.random.default_rng(0).normal(0.3, 2.0, 200_000).astype(np.float32)
  alive = np.asarray(masks.gaussian_window(jnp.asarray(x), width))
  assert abs(1 - alive.mean() - pruned) < 0.005


def test_the_gaussian_window_is_about_the_signed_mean():
  x = jnp.array([0.0, 9.0, 10.0, 11.0, 20.0])
  assert masks.gaussian_window(x, 1.0).tolist() == [True, *[False] * 3, True]


def test_global_magnitude_ranks_layers_together():
  big, small = jnp.full((3, 3), 2.0), jnp.full((4,), 1.0)
  alive = masks.global_magnitude([big, small], 10 / 13)
  assert [int(m.sum()) for m in alive] == [9, 1]
  by_layer = masks.magnitude(small, 0.5)
  assert by_layer.tolist() == [True, True, False, False]


@pytest.mark.parametrize(
  ('layer', 'ratio', 'zeros'),
  [('conv1', 0.33, 165), ('conv2', 0.8, 20_000), ('ip1', 0.9, 360_000)],
)
def test_a_sparse_ratio_of_a_reference_model(models_dir, layer, ratio, zeros):
  net = convert.load(models_dir / 'lenet5_reference.caffemodel').tree
  w = net[layer]['kernel']
  alive = masks.sparse_ratio(w, ratio)
  size = np.sort(np.abs(w), axis=None)
  np.testing.assert_array_equal(alive, np.abs(w) > size[zeros - 1])
  assert (~alive).sum() >= zeros


def test_a_sparse_ratio_takes_ties_and_counts_zeros():
  x = np.float32([[0.0, 0.0, -1.0], [1.0, 2.0, 3.0]])
  # Of 6 entries 3: two zeros and a one; the other one equals it.
  assert masks.sparse_ratio(x, 0.5).tolist() == [
    [False] * 3,
    [False, True, True],
  ]
  assert masks.sparse_ratio(x, 0.1).tolist() == (x != 0).tolist()
  # In double precision it were 28: 0.29 * 100 is below 29 there.
  hundred = np.arange(1, 101, dtype=np.float32)
  assert (~masks.sparse_ratio(hundred, 0.29)).sum() == 29
