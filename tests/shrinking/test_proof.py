"""The shrunk model is the masked one, to 1e-10 in double precision."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from prunax import models, shrinking, tree
from tests.shrinking.graphs import Graph


def masks(groups, seed, part):
  """A random choice of what stays of each group that may be cut."""
  rng = np.random.default_rng(seed)
  found = {}
  for group in groups:
    if group.prunable:
      mask = rng.random(group.size) >= part
      mask[rng.integers(group.size)] = True
      found[group.id] = mask
  return found


def check(apply, variables, x, seed, part, gradients=False):
  groups = shrinking.channels(apply, variables, x)
  keep = masks(groups, seed, part)
  small = shrinking.shrink(apply, variables, x, keep=keep)
  # What has to stay is 0, too: the network that was asked for.
  asked = _masked(variables, groups, keep)
  mask = small.report.plan.mask(variables)
  jax.tree.map(np.testing.assert_array_equal, mask, asked)
  runs = [small.apply, apply]
  if gradients:
    runs = [jax.jit(run) for run in runs]
  own, full = runs[0](small.variables, x), runs[1](asked, x)
  assert np.abs(own - full).max() <= 1e-10
  cut = sum(not mask.all() for mask in keep.values())
  sizes = [sum(map(np.size, jax.tree.leaves(v))) for v in (variables, small[1])]
  if cut and not small.report.stayed:
    assert sizes[1] < sizes[0]
  if gradients:

    def gradient(run, v):
      return jax.jit(jax.grad(lambda v: jnp.sum(jnp.sin(run(v, x)))))(v)

    full, own = gradient(apply, asked), gradient(small.apply, small.variables)
    jax.tree.map(
      lambda a, b: np.testing.assert_allclose(a, b, atol=1e-10, rtol=1e-10),
      small.report.plan.cut(full),
      own,
    )


def _masked(variables, groups, keep):
  """By hand: 0 in all that makes a channel, but not in running averages."""
  found = {
    name: np.array(x) for name, x in tree.named_leaves(variables).items()
  }
  for group in groups:
    gone = ~keep.get(group.id, np.ones(group.size, bool))
    for member in group.members:
      if member.leaf.rsplit('/', 1)[-1] in ('mean', 'var'):
        continue
      index = [slice(None)] * found[member.leaf].ndim
      index[member.axis] = group.places[member.leaf, member.axis][gone].ravel()
      found[member.leaf][tuple(index)] = 0
  structure = jax.tree.structure(variables)
  return jax.tree.unflatten(structure, found.values())


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.2, 0.5, 0.9]))
@example(10_238, 0.9)
def test_random_graphs(seed, part):
  with jax.enable_x64(True):
    graph = Graph(seed)
    check(graph.apply, graph.variables, graph.x, seed, part)


@pytest.mark.long
@settings(max_examples=2_000, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.2, 0.5, 0.9]))
def test_many_random_graphs(seed, part):
  with jax.enable_x64(True):
    graph = Graph(seed)
    check(graph.apply, graph.variables, graph.x, seed, part, seed % 8 == 0)


@pytest.mark.parametrize('name', ['lenet300100', 'lenet5'])
def test_the_zoo(name):
  with jax.enable_x64(True):
    model = models.get(name)
    rng = np.random.default_rng(0)
    shapes = jax.eval_shape(model.init, jax.random.key(0))
    variables = jax.tree.map(
      lambda x: rng.normal(size=x.shape) / np.sqrt(x.size / x.shape[-1]), shapes
    )
    x = rng.normal(size=(2, *model.input_shape))
    check(model.apply, variables, x, 0, 0.5, gradients=True)
