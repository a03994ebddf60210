"""Cut models in files, in the form that they had."""

from typing import NamedTuple

import equinox as eqx
import jax
import numpy as np
import pytest

import prunax
from prunax import shrinking, tree, weights
from prunax.errors import InputError
from tests.shrinking.graphs import Graph

X = np.random.default_rng(1).normal(size=(4, 5)).astype(np.float32)


def normal(*shape):
  rng = np.random.default_rng(shape[0])
  return rng.normal(size=shape).astype(np.float32)


MLP = {'a': normal(5, 8), 'b': normal(8, 6), 'bias': normal(8)}


def mlp(v, x):
  return jax.nn.sigmoid(x @ v['a'] + v['bias']) @ v['b']


@pytest.mark.parametrize('suffix', ['npz', 'prx', 'safetensors'])
def test_a_cut_model_is_saved_and_loaded(tmp_path, suffix):
  small = prunax.shrink(mlp, MLP, X, density=0.5)
  path = tmp_path / f'small.{suffix}'
  prunax.save_shrunk(path, small.variables, small.report.plan)
  run, variables, plan = prunax.load_shrunk(path, mlp)
  np.testing.assert_array_equal(
    run(variables, X), small.apply(small.variables, X)
  )
  assert tree.leaf_names(plan.cut(MLP)) == tree.leaf_names(MLP)


class Layer(NamedTuple):
  kernel: np.ndarray
  bias: np.ndarray


def layered(layers, x):
  """Layers of any form that can be iterated and unpacked."""
  for kernel, bias in layers:
    x = jax.nn.relu(x @ kernel + bias)
  return x


def layers(kind, count=12):
  """More than ten, whose numbers have another order than their names."""
  pairs = [(normal(5 + i, 6 + i), normal(6 + i)) for i in range(count)]
  return [kind(pair) for pair in pairs]


def saved(tmp_path, apply, variables, x=X):
  small = prunax.shrink(apply, variables, x, density=0.6)
  prunax.save_shrunk(tmp_path / 'a.npz', small.variables, small.report.plan)
  return small


@pytest.mark.parametrize('kind', [list, tuple])
def test_lists_and_tuples_come_back(tmp_path, kind):
  small = saved(tmp_path, layered, layers(kind))
  run, variables, _ = prunax.load_shrunk(tmp_path / 'a.npz', layered)
  assert type(variables) is list and type(variables[0]) is kind
  np.testing.assert_array_equal(
    run(variables, X), small.apply(small.variables, X)
  )


def test_other_forms_come_back_like_the_full_model(tmp_path):
  full = layers(Layer._make)
  small = saved(tmp_path, layered, full)
  shapes = jax.eval_shape(lambda: full)
  run, variables, _ = prunax.load_shrunk(tmp_path / 'a.npz', layered, shapes)
  jax.tree.map(np.testing.assert_array_equal, variables, small.variables)
  assert isinstance(variables[0], Layer)
  np.testing.assert_array_equal(
    run(variables, X), small.apply(small.variables, X)
  )
  # Without it they are dicts, whose form no list tells.
  _, nested, _ = prunax.load_shrunk(tmp_path / 'a.npz', layered)
  assert set(nested[11]) == {'kernel', 'bias'}


def test_an_equinox_module_comes_back(tmp_path):
  net = eqx.nn.MLP(5, 3, 8, 2, key=jax.random.key(0))
  arrays, static = eqx.partition(net, eqx.is_array)

  def apply(arrays, x):
    return jax.vmap(eqx.combine(arrays, static))(x)

  small = saved(tmp_path, apply, arrays)
  path = tmp_path / 'a.npz'
  run, variables, _ = prunax.load_shrunk(path, apply, like=arrays)
  assert isinstance(variables, eqx.nn.MLP)
  np.testing.assert_array_equal(
    run(variables, X), small.apply(small.variables, X)
  )


@pytest.mark.parametrize(
  ('like', 'said'),
  [
    ({**MLP, 'c': X}, "'c' of the shape"),
    ({**MLP, 'a': X}, "'a' of the shape"),
    ({'a': MLP['a']}, 'lacks b, bias'),
  ],
)
def test_other_trees_are_refused(tmp_path, like, said):
  saved(tmp_path, mlp, MLP)
  with pytest.raises(InputError, match=said):
    prunax.load_shrunk(tmp_path / 'a.npz', mlp, like)


@pytest.mark.parametrize('seed', range(4))
def test_a_model_that_was_cut_twice(tmp_path, seed):
  graph = Graph(seed)

  def cut(apply, variables):
    groups = shrinking.channels(apply, variables, graph.x)
    keep = {g.id: np.arange(g.size) % 3 != 1 for g in groups if g.prunable}
    return shrinking.shrink(apply, variables, graph.x, keep=keep)

  with jax.enable_x64(True):
    once = cut(graph.apply, graph.variables)
    twice = cut(once.apply, once.variables)
    plan = twice.report.plan
    assert plan.before is once.report.plan and plan.shapes == plan.before.left()
    prunax.save_shrunk(tmp_path / 'a.npz', twice.variables, plan)
    run, variables, read = prunax.load_shrunk(
      tmp_path / 'a.npz', graph.apply, graph.variables
    )
    np.testing.assert_array_equal(
      run(variables, graph.x), twice.apply(twice.variables, graph.x)
    )
    # What was read can be cut a third time, and other checkpoints by it.
    third = cut(run, variables)
    assert third.report.plan.chain()[0].shapes == read.before.shapes
    both = read.cut(read.before.cut(graph.variables))
    assert {n: np.shape(x) for n, x in both.items()} == read.left()


def test_a_file_without_a_whole_plan_is_refused(tmp_path):
  weights.save(tmp_path / 'x.npz', MLP, {})
  with pytest.raises(InputError, match='without a plan'):
    prunax.load_shrunk(tmp_path / 'x.npz', mlp)
  weights.save(tmp_path / 'y.npz', MLP, {'plan': {'version': 99}})
  with pytest.raises(InputError, match='version 1, got 99'):
    prunax.load_shrunk(tmp_path / 'y.npz', mlp)
  _, small, report = prunax.shrink(mlp, MLP, X, density=0.5)
  plan = shrinking.plan_data(report.plan)
  broken = [
    (MLP, {**plan, 'before': [plan]}, 'other shapes'),
    ({'a': X}, plan, 'leaves of its plan'),
    (MLP, plan, 'must be cut as the plan says'),
  ]
  for variables, told, said in broken:
    weights.save(tmp_path / 'z.npz', variables, {'plan': told})
    with pytest.raises(InputError, match=said):
      prunax.load_shrunk(tmp_path / 'z.npz', mlp)
  for kinds, said in [
    ({'': 'set'}, 'list or a tuple'),
    ({'': 'list'}, 'it calls'),
  ]:
    weights.save(tmp_path / 'z.npz', small, {'plan': plan, 'sequences': kinds})
    with pytest.raises(InputError, match=said):
      prunax.load_shrunk(tmp_path / 'z.npz', mlp)


def test_what_is_not_cut_is_not_saved(tmp_path):
  report = prunax.shrink(mlp, MLP, X, density=0.5).report
  with pytest.raises(InputError, match='must be cut as the plan says'):
    prunax.save_shrunk(tmp_path / 'x.npz', MLP, report.plan)
  with pytest.raises(InputError, match=r'give report\.plan'):
    prunax.save_shrunk(tmp_path / 'x.npz', MLP, report)
