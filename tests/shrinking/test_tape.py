"""The tape of a program does what the program does."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from prunax.shrinking import model
from prunax.shrinking.tape import taped
from tests.shrinking.graphs import Graph


def tape_of(apply, variables, *example):
  return taped(model.trace(apply, variables, model.call_of(example, {})))


def run(tape, variables, *example):
  values = [*jax.tree.leaves(variables), *example]
  return tape.run(dict(zip(tape.ins, values, strict=True)), tape.outs)


@pytest.mark.parametrize('seed', range(2))
def test_random_graphs(seed):
  with jax.enable_x64(True):
    graph = Graph(seed)
    tape = tape_of(graph.apply, graph.variables, graph.x)
    both = jax.jit(lambda v, x: (run(tape, v, x)[0], graph.apply(v, x)))
    found, wanted = both(graph.variables, graph.x)
    np.testing.assert_allclose(found, wanted, atol=1e-12)


def nested(v, x):
  @jax.jit
  def inner(x):
    return jax.checkpoint(lambda x: jax.nn.relu6(x @ v['a']))(x) + ONE

  h = jax.nn.silu(inner(x))
  turned, _ = jax.lax.scan(lambda h, w: (jnp.sin(h @ w), None), h, v['turns'])
  return {'out': turned, 'same': x, 'weights': v['a'] * 2}


ONE = np.float32(1.0) + np.arange(4, dtype=np.float32)
NET = {
  'a': np.random.default_rng(0).normal(size=(3, 4)).astype('f'),
  'turns': np.random.default_rng(1).normal(size=(2, 4, 4)).astype('f'),
}
X = np.random.default_rng(2).normal(size=(5, 3)).astype('f')


def test_calls_are_opened_and_loops_are_not():
  tape = tape_of(nested, NET, X)
  names = {line.name for line in tape.lines}
  assert names >= {'scan', 'logistic'}
  assert not {'jit', 'remat2', 'checkpoint', 'custom_jvp_call'} & names
  own = run(tape, NET, X)
  for a, b in zip(own, jax.tree.leaves(nested(NET, X)), strict=True):
    np.testing.assert_allclose(a, b, rtol=1e-5)


def test_what_depends_on_the_call_has_moved():
  tape = tape_of(nested, NET, X)
  by_name = {line.name: line for line in tape.lines}
  assert set(by_name['dot_general'].outs) <= tape.moved
  moved = [slot in tape.moved for slot in tape.outs]
  assert moved == [True, True, False]


def test_only_what_is_needed_runs():
  tape = tape_of(nested, NET, X)
  clip = next(line for line in tape.lines if line.name == 'min')
  product = next(line for line in tape.lines if line.name == 'dot_general')
  way = tape.between({product.outs[0]}, [clip.outs[0]])
  assert [line.name for line in way] == ['max', 'min']
  (found,) = tape.run({product.outs[0]: np.full((5, 4), 9.0)}, clip.outs)
  assert (found == 6).all()
