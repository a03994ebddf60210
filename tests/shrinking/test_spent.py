"""What a model costs: by hand, against an oracle, and as its cut one costs."""

import importlib.util
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.extend import core

import prunax
from prunax import shrinking
from prunax.errors import InputError

HERE = pathlib.Path(__file__).parent


def beside(name):
  """A file of tests that stands beside this one."""
  spec = importlib.util.spec_from_file_location(name, HERE / f'{name}.py')
  found = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(found)
  return found


def ones(**shapes):
  return {name: np.ones(shape, np.float32) for name, shape in shapes.items()}


X = np.ones((2, 3), np.float32)
# A layer that reads a single channel is none of COP's.
WAYS = [b for b in shrinking.BUDGETS if b not in ('filters', 'cop_inputs')]


def conv(x, kernel, groups=1):
  return lax.conv_general_dilated(
    x,
    kernel,
    (1, 1),
    'SAME',
    dimension_numbers=('NHWC', 'HWIO', 'NHWC'),
    feature_group_count=groups,
  )


def test_a_chain_by_hand():
  def apply(v, x):
    h = jnp.tanh(x @ v['a'])
    return h @ v['b']

  v = ones(a=(3, 4), b=(4, 5))
  # Bytes of x and of what each equation gives: 24, 32, 32, 40.
  assert prunax.memory(apply, v, X) == (72.0, 72.0)
  assert prunax.spent(apply, v, X, budget='activations') == {'a': 32, 'b': 40}


def test_what_is_read_again_stays_alive():
  def apply(v, x):
    return jnp.tanh(jnp.sin(jnp.cos(x @ v['a']))) + x

  # Two of what the equations give, beside x.
  assert prunax.memory(apply, ones(a=(3, 3)), X).peak == 3 * 24


def test_inside_of_functions_as_without_them():
  def inside(x):
    return jnp.sin(jnp.cos(x)) * x

  @jax.custom_jvp
  def ruled(x):
    return inside(x)

  ruled.defjvp(lambda x, t: (inside(x[0]), t[0]))

  def apply(function):
    return lambda v, x: function(x @ v['a']) + x[:, :1]

  v = ones(a=(3, 7))
  found = [
    prunax.memory(apply(f), v, X)
    for f in (inside, jax.jit(inside), jax.checkpoint(inside), ruled)
  ]
  assert found == [(24 + 3 * 56, 56)] * 4


def test_a_scan_holds_one_turn_and_all_that_it_stacks():
  def apply(v, x):
    def body(h, w):
      h = jnp.tanh(h @ w)
      return h, h

    return lax.scan(body, x, v['layers'])[1]

  found = prunax.memory(apply, ones(layers=(5, 3, 3)), X)
  # Five results of 24 bytes, a turn's weights of 36, and h twice.
  assert found.peak == 5 * 24 + 36 + 2 * 24
  assert found.activations == 5 * 24


def test_of_two_branches_one_runs():
  def apply(v, x):
    return lax.cond(
      x[0, 0] > 0,
      lambda h: jnp.sin(h) @ v['b'],
      lambda h: jnp.cos(h) @ v['b'],
      x @ v['a'],
    )

  v = ones(a=(3, 50), b=(50, 1))
  # The product and what a branch makes of it; the number of the branch, too.
  assert 800 <= prunax.memory(apply, v, X).peak <= 800 + 8


def oracle(apply, variables, *example):
  """The most that is alive at once in a program that runs no other."""
  jaxpr = jax.make_jaxpr(apply)(variables, *example).jaxpr
  n = len(jax.tree.leaves(variables))
  size = {v: v.aval.size * v.aval.dtype.itemsize for v in jaxpr.invars[n:]}
  most = 0
  for i, eqn in enumerate(jaxpr.eqns):
    size.update({v: v.aval.size * v.aval.dtype.itemsize for v in eqn.outvars})
    later = [v for e in jaxpr.eqns[i:] for v in e.invars] + jaxpr.outvars
    read = {v for v in later if not isinstance(v, core.Literal)}
    alive = [n for v, n in size.items() if v in read or v in eqn.outvars]
    most = max(most, sum(alive))
  return most


@pytest.mark.parametrize('seed', range(4))
def test_as_counted_equation_by_equation(seed):
  v = ones(a=(3, 8), b=(8, 8))
  acts = [lax.tanh, lax.sin, lax.abs, lambda x: x @ v['b']]

  def apply(v, x):
    rng = np.random.default_rng(seed)
    values = [x @ v['a']]
    for _ in range(12):
      one, other = (values[i] for i in rng.integers(len(values), size=2))
      act = acts[rng.integers(len(acts))]
      values.append(act(one) + other)
    return values[-1], values[rng.integers(len(values))]

  assert prunax.memory(apply, v, X).peak == oracle(apply, v, X)


@pytest.mark.parametrize(
  'name, ways', [('vgg16', WAYS), ('mobilenet', ('flops', 'params'))]
)
def test_what_is_left_is_what_the_cut_model_costs(name, ways):
  model = beside('test_zoo').SLIM[name]()
  v = jax.tree.map(np.asarray, model.init(jax.random.key(0)))
  x = jax.ShapeDtypeStruct((2, *model.input_shape), np.float32)
  small = prunax.shrink(model.apply, v, x, density=0.5)
  report = small.report
  for budget in ways:
    own = prunax.spent(small.apply, small.variables, x, budget=budget)
    assert report.after[budget] == sum(own.values()), budget
    assert report.before[budget] > report.after[budget]
    layers = report.layers[budget]
    assert sum(after for _, after in layers.values()) == report.after[budget]
  own = prunax.memory(small.apply, small.variables, x)
  assert own.activations == report.after['activations']
  # A depthwise convolution is a sum of views, which the cut makes by itself.
  assert own.peak == pytest.approx(report.after['peak'], rel=0.01)
  left = report.after['cop_params'] / report.before['cop_params']
  assert report.prr == 1 - left and report.frr >= 0.5


def test_running_averages_are_bytes_and_no_params():
  def apply(v, x):
    h = (x @ v['a'] - v['norm']['mean']) * lax.rsqrt(v['norm']['var'])
    return h * v['norm']['scale']

  norm = ones(mean=(4,), scale=(4,), var=(4,))
  v = ones(a=(3, 4)) | {'norm': norm}
  assert prunax.spent(apply, v, X, budget='params') == {
    'a': 12,
    'norm/scale': 4,
  }
  assert sum(prunax.spent(apply, v, X, budget='bytes').values()) == 96


def test_cop_counts_a_bias_of_each_layer():
  x = np.ones((1, 4, 4, 2), np.float32)

  def apply(v, x):
    h = conv(x, v['conv'])
    h = conv(h * v['scale'], v['depthwise'], 6)
    h = conv(h, v['grouped'], 2)
    h = h.reshape(1, -1)
    h = h @ v['twice'] @ v['twice'] + v['bias']
    return (h @ h.T) * jnp.ones(3)

  v = ones(
    conv=(3, 3, 2, 6),
    scale=(6,),
    depthwise=(3, 3, 1, 6),
    grouped=(1, 1, 3, 4),
    twice=(64, 64),
    bias=(64,),
  )
  assert prunax.spent(apply, v, x, budget='cop_params') == {
    'conv': 9 * 2 * 6 + 6,
    'depthwise': 9 * 6 + 1,
    'grouped': 3 * 4 + 4,
    'twice': 64 * 64 + 64,
  }
  flops = prunax.spent(apply, v, x, budget='flops')
  # A product of what depends on the input with itself is no layer.
  assert flops.pop('') == 2 * 64
  assert prunax.spent(apply, v, x, budget='cop_flops') == flops
  assert flops['depthwise'] == 2 * 16 * 9 * 6 and flops['twice'] == 4 * 64**2


def test_cop_counts_a_bias_of_each_turn():
  def apply(v, x):
    def body(h, w):
      return h @ w, None

    return lax.scan(body, x, v['layers'])[0]

  v = ones(layers=(5, 3, 3))
  found = prunax.spent(apply, v, X, budget='cop_params')
  assert found == {'layers': 5 * (9 + 3)}


def test_a_cut_to_what_cop_counts_and_to_activations():
  def apply(v, x):
    return jax.nn.relu(x @ v['a']) @ v['b']

  v = ones(a=(3, 400), b=(400, 2))
  for budget in ('cop_params', 'cop_flops', 'activations'):
    report = prunax.shrink(apply, v, X, density=0.3, budget=budget).report
    left = report.after[budget] / report.before[budget]
    assert 0.295 < left <= 0.3
  by_cop = prunax.shrink(apply, v, X, density=0.3, budget='cop_params').report
  assert by_cop.prr >= 0.7


def test_other_ways_are_refused():
  with pytest.raises(InputError, match='flops, params, bytes, activations'):
    prunax.spent(lambda v, x: x, {}, X, budget='filters')
