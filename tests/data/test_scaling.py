import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from prunax import data
from prunax.data import Scale, scaling
from prunax.errors import InputError

_PIXELS = np.arange(256, dtype=np.uint8)


def test_the_usual_scale_is_exact():
  got = data.scale(_PIXELS)
  assert got.dtype == np.float32
  np.testing.assert_array_equal(got, np.arange(256) * 0.00390625)


@pytest.mark.parametrize('dtype', ['float16', 'float32', 'float64'])
def test_floating_examples_are_only_cast(dtype):
  for scale in (data.scale, Scale(5.0, 2.0)):
    got = scale(np.array([0.5, 300.0], dtype))
    assert got.dtype == np.float32 and got.tolist() == [0.5, 300.0]


@pytest.mark.parametrize('dtype', ['uint8', 'float32', 'bfloat16'])
def test_under_jit(dtype):
  x = jnp.arange(6).reshape(2, 3).astype(dtype)
  got = jax.jit(data.scale)(x)
  assert got.dtype == jnp.float32
  factor = 1 / 256 if dtype == 'uint8' else 1.0
  np.testing.assert_array_equal(got, np.arange(6).reshape(2, 3) * factor)


@pytest.mark.parametrize('dtype', ['int32', 'bool'])
def test_other_types_are_refused(dtype):
  with pytest.raises(InputError, match=f'got {dtype}'):
    data.scale(np.zeros(3, dtype))


@pytest.mark.parametrize(
  ('mean', 'deviation'),
  [(0.0, 64.15), (120.707, 64.15), ((1.0, 2.0, 4.0), (8.0, 16.0, 32.0))],
)
def test_mean_and_deviation(mean, deviation):
  x = np.stack([_PIXELS, _PIXELS[::-1], _PIXELS], -1)
  scale = Scale(mean, deviation)
  want = (x.astype(np.float64) - mean) / np.array(deviation)
  for got in (scale(x), jax.jit(scale)(x)):
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-6)
  assert scaling.of_record(json.loads(json.dumps(scale.recorded)), '') == scale


@pytest.mark.parametrize(
  ('mean', 'deviation', 'match'),
  [
    (np.nan, 1.0, 'mean .*got nan'),
    ('0', 1.0, "mean .*got '0'"),
    ([1.0, 2.0], 1.0, r'mean .*got \[1.0, 2.0\]'),
    ((), 1.0, r'mean .*got \(\)'),
    (0.0, 0.0, 'deviation .*above 0, got 0.0'),
    (0.0, (1.0, -1.0), 'deviation .*above 0'),
    (0.0, True, 'deviation .*got True'),
  ],
)
def test_what_is_no_scale(mean, deviation, match):
  with pytest.raises(InputError, match=match):
    Scale(mean, deviation)


@pytest.mark.parametrize(
  'value', [None, 3, [1.0], {'mean': 0}, [0, 0], [[0, 'x'], 1], [[[0]], 1]]
)
def test_a_record_that_is_none(value):
  with pytest.raises(InputError, match=r'^mine\.prx: ') as error:
    scaling.of_record(value, 'mine.prx')
  assert '\n' not in str(error.value)


def _dataset(scale, dtype='uint8'):
  split = data.Split(np.zeros((2, 4, 4, 3), dtype), np.array([0, 1]))
  return data.Dataset('mine', split, split, 2, scale)


@pytest.mark.parametrize(
  ('dataset', 'match'),
  [
    (_dataset(lambda x: x), 'must be a prunax.data.Scale, got function'),
    (_dataset(Scale(1.0), 'float32'), 'only uint8 .*got float32'),
    (_dataset(Scale((1.0, 2.0))), '3 channels, got .1.0, 2.0.'),
    (_dataset(Scale(1.0, (1.0, 2.0))), '3 channels, got .1.0, 2.0.'),
  ],
)
def test_a_scale_that_does_not_fit_its_data_set(dataset, match):
  data.register('badly_scaled', lambda _: dataset)
  with pytest.raises(InputError, match=f'^badly_scaled: .*{match}'):
    data.load('badly_scaled')


def test_a_set_of_ones_own_has_the_usual_scale():
  split = data.Split(np.zeros((2, 4), np.uint8), np.array([0, 1]))
  assert data.Dataset('mine', split, split, 2).scale == data.scale
  data.register('well_scaled', lambda _: _dataset(Scale((1.0, 2.0, 3.0), 4.0)))
  assert data.load('well_scaled').scale == Scale((1.0, 2.0, 3.0), 4.0)
