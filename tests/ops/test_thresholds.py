"""The exact k-th magnitude against a sort, with ties and on devices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

from prunax.ops import thresholds

value = st.sampled_from([0.0, -0.0, 0.5, -0.5, 1.0, -2.0, 1e-40, 3e38, np.inf])
# Each length is compiled.
few_values = st.sampled_from([1, 2, 7, 24]).flatmap(
  lambda n: st.lists(value, min_size=n, max_size=n)
)


@given(few_values, st.data())
@settings(max_examples=60, deadline=None)
def test_equals_the_sort_and_keeps_the_earlier_of_equals(values, data):
  x = np.array(values, np.float32)
  k = data.draw(st.integers(1, len(x)))
  # Subnormal numbers are zeros to XLA on some machines: compare the bits.
  order = np.argsort(-np.abs(x), kind='stable')
  found = np.asarray(thresholds.kth_magnitude(jnp.asarray(x), k))
  assert found.tobytes() == np.abs(x)[order[k - 1]].tobytes()
  want = np.zeros(len(x), bool)
  want[order[:k]] = True
  (mask,) = thresholds.top_masks(jnp.asarray(x), k)
  np.testing.assert_array_equal(mask, want)


@pytest.mark.parametrize('dtype', ['float32', 'bfloat16', 'float16'])
@pytest.mark.parametrize('k', [0, 1, 700, 1999, 2000])
def test_counts_exactly_over_several_arrays(dtype, k):
  keys = jax.random.split(jax.random.key(0))
  a = jax.random.normal(keys[0], (10, 5, 20)).astype(dtype)
  b = jax.random.normal(keys[1], (1000,)).astype(dtype)
  masks = jax.jit(thresholds.top_masks)([a, b], k)
  assert [m.shape for m in masks] == [a.shape, b.shape]
  assert sum(int(m.sum()) for m in masks) == k
  if 0 < k < 2000:
    sizes = np.abs(np.concatenate([np.ravel(a), np.ravel(b)]).astype('f4'))
    chosen = np.concatenate([np.ravel(m) for m in masks])
    assert sizes[chosen].min() >= sizes[~chosen].max()


def test_equals_everywhere():
  masks = thresholds.top_masks(jnp.ones((4, 5)), 7)
  np.testing.assert_array_equal(np.ravel(masks[0]), np.arange(20) < 7)


def test_float64():
  with jax.enable_x64(True):
    x = jnp.array([1.0, 1.0 + 1e-12, -1.0 - 2e-12])
    assert float(thresholds.kth_magnitude(x, 2)) == 1.0 + 1e-12


@pytest.mark.parametrize('axis_type', [AxisType.Explicit, AxisType.Auto])
def test_on_a_sharded_array(axis_type):
  mesh = jax.make_mesh((4,), ('x',), axis_types=(axis_type,))
  x = jnp.round(jax.random.normal(jax.random.key(1), (8, 12)), 1)
  want = thresholds.top_masks(x, 30)[0]
  with jax.set_mesh(mesh):
    sharded = jax.device_put(x, NamedSharding(mesh, P('x')))
    mask = jax.jit(lambda x: thresholds.top_masks(x, 30)[0])(sharded)
    assert mask.sharding.is_equivalent_to(sharded.sharding, 2)
  np.testing.assert_array_equal(mask, want)
