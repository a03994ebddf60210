"""Networks as others write them: what goes, what stays, the same answers."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import prunax
from prunax import models
from prunax.errors import InputError
from tests.shrinking.architectures import NETWORKS, SEQUENCE, arrays


def gradient(run, variables, x):
  return jax.grad(lambda v: jnp.sin(run(v, x)).sum())(variables)


@pytest.mark.parametrize('act', [jax.nn.relu, jax.nn.sigmoid])
@pytest.mark.parametrize('network', NETWORKS, ids=lambda f: f.__name__)
def test_half_of_each_group_goes_or_stays(network, act):
  variables, x, sizes = NETWORKS[network]
  apply = functools.partial(network, act)
  with jax.enable_x64(True):
    found = prunax.channels(apply, variables, x)
    free = [g for g in found if g.prunable]
    assert {g.id: g.size for g in free} == {k: n[0] for k, n in sizes.items()}
    keep = {g.id: np.arange(g.size) % 2 == 0 for g in free}
    small = prunax.shrink(apply, variables, x, keep=keep)
    at = 2 if act is jax.nn.sigmoid else 1
    assert small.report.stayed == {k: n[at] for k, n in sizes.items() if n[at]}
    masked = small.report.plan.mask(variables)
    for many in (x, np.concatenate([x, x + 1])):
      own, full = small.apply(small.variables, many), apply(masked, many)
      np.testing.assert_allclose(own, full, rtol=0, atol=1e-10)
    jax.tree.map(
      lambda a, b: np.testing.assert_allclose(a, b, atol=1e-10),
      gradient(small.apply, small.variables, x),
      small.report.plan.cut(gradient(apply, masked, x)),
    )


@pytest.mark.parametrize(
  'made',
  [
    lambda b: b * np.ones((8, 3)),
    lambda b: jnp.where(np.eye(8, 3) == 0, b, 0),
    lambda b: b * jnp.full(3, 2.0),
    lambda b: jnp.pad(b.clip(-1, 1), ((0, 0), (0, 2)))[:, :3],
    lambda b: lax.dynamic_update_slice(b, np.zeros((1, 1)), (0, 0)),
    lambda b: lax.cond(b.sum() > 0, lambda b: b, lambda b: 2 * b, b),
    lambda b: lax.platform_dependent(b, cpu=lambda b: b, default=jnp.sin),
  ],
)
def test_a_kernel_that_is_computed_still_reads(made):
  def apply(v, x):
    return jax.nn.relu(x @ v['a']) @ made(v['b'])

  with jax.enable_x64(True):
    group = prunax.channels(apply, arrays(a=(5, 8), b=(8, 3)), SEQUENCE)[0]
  assert [tuple(m) for m in group.members] == [('a', 1, 1)]
  assert [tuple(m) for m in group.consumers] == [('b', 0, 1)]


def test_the_fast_form_of_lenet_has_readers():
  model = models.get('lenet5')
  variables = model.init(jax.random.key(0))
  x = jax.ShapeDtypeStruct((1, 28, 28, 1), np.float32)
  found = prunax.channels(model.apply, variables, x)
  readers = {g.id: [m.leaf for m in g.consumers] for g in found}
  assert readers == {
    'conv1/kernel': ['conv2/kernel'],
    'conv2/kernel': ['ip1/kernel'],
    'ip1/kernel': ['ip2/kernel'],
    'ip2/kernel': [],
  }
  inputs = prunax.spent(model.apply, variables, x, budget='cop_inputs')
  assert list(inputs.values()) == [1, 20, 800, 500]
  small = prunax.shrink(model.apply, variables, x, density=0.5, score='cop')
  again = prunax.spent(small.apply, small.variables, x, budget='cop_inputs')
  assert small.report.after['cop_inputs'] == sum(again.values())


def weight_norm(v, x):
  kernel = v['a'] / jnp.linalg.norm(v['a'], axis=0) * v['scale']
  return jax.nn.relu(x @ kernel) @ v['b']


def norm_in_time(v, x):
  h = x @ v['a']
  return (h / jnp.linalg.norm(h, axis=1, keepdims=True)) @ v['b']


def largest_in_time(v, x):
  h = x[0] @ v['a']
  return (h / jax.ops.segment_max(h, np.arange(6), 6)) @ v['b']


def logarithm(v, x):
  return jnp.log(jax.nn.relu(x @ v['a'])) @ v['b']


@pytest.mark.parametrize(
  'apply', [weight_norm, norm_in_time, largest_in_time, logarithm]
)
def test_channels_that_would_not_be_finite_stay(apply):
  variables = arrays(a=(5, 8), b=(8, 3)) | {'scale': np.ones(8)}
  with pytest.raises(InputError, match='must stay whole'):
    prunax.shrink(apply, variables, SEQUENCE, density=0.5)


@pytest.mark.parametrize(
  'mixed, why',
  [
    (lambda h: jnp.sort(h, -1), 'it is sorted'),
    (lambda h: lax.top_k(h, 4)[0], 'it is sorted'),
    (lambda h: jnp.fft.rfft(h).real, 'it is transformed'),
    (lambda h: jnp.cumsum(h, -1), 'cumsum runs along it'),
    (lambda h: h / h.sum(-1, keepdims=True), 'reduce_sum reduces it'),
    (
      lambda h: lax.bitcast_convert_type(h, np.int8),
      'bitcast_convert_type takes it apart',
    ),
  ],
)
def test_what_mixes_channels_keeps_them_whole(mixed, why):
  def apply(v, x):
    return mixed(jax.nn.relu(x @ v['a']))

  found = prunax.channels(apply, arrays(a=(5, 8)), SEQUENCE)
  assert [(g.prunable, g.why) for g in found if g.id == 'a'] == [(False, why)]


@pytest.mark.parametrize(
  'settings, goes',
  [
    ({'padding': ((0, 0), (0, 0), (0, 0))}, True),
    ({'padding': ((0, 0), (4, 4), (0, 0))}, False),
    ({'padding': ((0, 0), (0, 0), (0, 0)), 'base_dilation': (1, 2, 1)}, False),
  ],
)
@pytest.mark.parametrize('combine, start', [(lax.max, -np.inf), (lax.add, 0.0)])
def test_windows_of_a_constant(settings, goes, combine, start):
  def apply(v, x):
    h = jax.nn.sigmoid(x @ v['a'])
    slide = {'base_dilation': (1, 1, 1), **settings}
    h = lax.reduce_window(h, start, combine, (1, 3, 1), (1, 1, 1), **slide)
    return jnp.nan_to_num(h, neginf=-1.0) @ v['b']

  variables = arrays(a=(5, 8), b=(8, 3))
  keep = {'a': np.arange(8) < 4}
  with jax.enable_x64(True):
    small = prunax.shrink(apply, variables, SEQUENCE, keep=keep)
    assert small.report.stayed == ({} if goes else {'a': 4})
    masked = small.report.plan.mask(variables)
    own = small.apply(small.variables, SEQUENCE)
    np.testing.assert_allclose(own, apply(masked, SEQUENCE), atol=1e-10)
