"""Modules of NNX that are cut and stay modules."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import prunax
from prunax import models, tree
from prunax.errors import InputError
from tests.shrinking.modules import (
  IMAGES,
  WORDS,
  Recurrent,
  Residual,
  Transformer,
  Words,
  built,
)


def masked(module, plan):
  """The module whose cut channels are 0."""
  copy = nnx.clone(module)
  state = nnx.state(copy, nnx.Not(nnx.RngState))
  nnx.update(copy, plan.mask(nnx.to_pure_dict(state)))
  return copy


@nnx.jit
def called(module, x):
  return module(x)


MODULES = {
  'residual': (Residual, IMAGES),
  'attention_of_groups': (
    lambda rngs: Transformer(rngs, num_kv_heads=2, dropout_rate=0.5),
    WORDS,
  ),
  'lstm': (lambda rngs: Recurrent(nnx.LSTMCell, rngs), WORDS),
  'gru': (lambda rngs: Recurrent(nnx.GRUCell, rngs), WORDS),
  'words': (Words, np.array([[1, 2, 3], [4, 5, 0]])),
}
# Their first state is in single precision.
SINGLE = ('lstm', 'gru')


@pytest.mark.parametrize('name', MODULES)
def test_a_module_answers_as_the_masked_one(name):
  build, x = MODULES[name]
  with jax.enable_x64(name not in SINGLE):
    module = built(build)
    before = nnx.state(module, nnx.Not(nnx.RngState))
    small, report = prunax.shrink_module(module, x, density=0.5)
    assert report.after['flops'] <= 0.5 * report.before['flops']
    wanted = called(masked(module, report.plan), x)
    apart = np.abs(called(small, x) - wanted).max()
    assert apart <= (1e-5 if name in SINGLE else 1e-10)
    # The module that was given is as before.
    after = nnx.state(module, nnx.Not(nnx.RngState))
    jax.tree.map(np.testing.assert_array_equal, before, after)
    left = tree.named_leaves(nnx.state(small, nnx.Not(nnx.RngState)))
    assert {n: x.shape for n, x in left.items()} == report.plan.left()


def test_widths_are_those_of_the_arrays():
  module = built(Residual)
  keep = {
    'depth/kernel': np.arange(8) % 4 != 0,
    'back/kernel': np.arange(8) < 4,
    'masked/kernel': np.arange(12) % 3 == 0,
  }
  small, report = prunax.shrink_module(module, IMAGES, keep=keep)
  assert not report.stayed
  shapes = report.plan.left()
  assert shapes['depth/kernel'] == (3, 3, 1, 6)
  assert small.norm.num_features == small.stem.out_features == 6
  assert small.depth.feature_group_count == small.depth.in_features == 6
  assert small.groups.feature_group_count == 2
  assert (small.groups.in_features, small.groups.out_features) == (6, 6)
  assert (small.back.in_features, small.back.out_features) == (6, 4)
  assert (small.fewer.num_groups, small.fewer.group_size) == (2, 2)
  assert small.masked.kernel_shape == small.masked.mask.shape == (3, 3, 4, 4)
  assert small.hidden.in_features == shapes['hidden/kernel'][:2] == (4, 4)
  assert module.depth.feature_group_count == 8


def test_a_convolution_of_one_channel_has_one_group():
  class Gray(nnx.Module):
    def __init__(self, rngs):
      self.conv = nnx.Conv(1, 8, (3, 3), rngs=rngs)
      self.out = nnx.Linear(8, 3, rngs=rngs)

    def __call__(self, x):
      return self.out(nnx.relu(self.conv(x)).mean((1, 2)))

  conv = prunax.shrink_module(built(Gray), IMAGES[..., :1], density=0.5)[0].conv
  assert (conv.in_features, conv.out_features) == (1, 4)
  assert conv.feature_group_count == 1


def test_heads_and_their_widths_go():
  module = built(Transformer)
  groups = prunax.channels(*models.module_apply(module), WORDS)
  names = {g.size: g.id for g in groups if 'key' in g.id and g.prunable}
  keep = {names[4]: np.arange(4) != 1, names[8]: np.arange(8) < 2}
  attention = prunax.shrink_module(module, WORDS, keep=keep).module.attention
  assert (attention.num_heads, attention.num_kv_heads) == (3, 3)
  assert (attention.head_dim, attention.qkv_features) == (2, 6)
  assert attention.value.out_features == (3, 8)
  assert attention.out.in_features == (3, 8)
  assert attention.attention_fn.depth == 8


def test_what_is_no_module_is_refused():
  with pytest.raises(InputError, match='one of Flax NNX, got dict'):
    prunax.shrink_module({}, WORDS, density=0.5)


def test_what_is_cut_twice_is_a_module_still():
  module = built(Transformer)
  once = prunax.shrink_module(module, WORDS, density=0.6)
  twice = prunax.shrink_module(once.module, WORDS, density=0.6)
  wanted = masked(once.module, twice.report.plan)(WORDS)
  np.testing.assert_allclose(twice.module(WORDS), wanted, atol=1e-5)
  assert twice.report.before['params'] == once.report.after['params']
  # It still divides by the root of what a head had at first.
  assert twice.module.attention.attention_fn.depth == 8


class Around(nnx.Module):
  def __init__(self, inner, rngs):
    self.inner, self.out = inner, nnx.Linear(4, 3, rngs=rngs)

  def __call__(self, x):
    return self.out(self.inner(x))


def test_a_copy_draws_its_own_numbers_and_keeps_its_mode():
  class Dropped(Around):
    def __init__(self, rngs):
      super().__init__(nnx.Linear(12, 4, rngs=rngs), rngs)
      self.drop = nnx.Dropout(0.5, rngs=rngs)

    def __call__(self, x):
      return self.out(self.drop(self.inner(x)))

  module = built(Dropped)
  module.train()
  small, _ = prunax.shrink_module(module, WORDS, density=0.5)
  assert not small.drop.deterministic
  assert not np.allclose(small(WORDS), small(WORDS))
  assert module.drop.rngs.count[...] == 0 and small.drop.rngs.count[...] == 2


class Sigmoids(nnx.Module):
  """What a cut unit still gives is half of its weights."""

  def __init__(self, rngs, use_bias=True):
    self.up = nnx.Linear(12, 24, rngs=rngs)
    self.down = nnx.Linear(24, 16, use_bias=use_bias, rngs=rngs)
    self.out = nnx.Linear(16, 3, rngs=rngs)

  def __call__(self, x):
    x = nnx.sigmoid(self.down(nnx.sigmoid(self.up(x))))
    return self.out(x)


def test_a_constant_goes_into_a_bias(tmp_path):
  module = built(Sigmoids)
  small, report = prunax.shrink_module(module, WORDS, density=0.5)
  assert small.down.kernel.shape[0] < 24 and small.down.out_features < 16
  wanted = masked(module, report.plan)(WORDS)
  np.testing.assert_allclose(small(WORDS), wanted, atol=1e-5)
  # Nothing is added twice where the arrays come from a file.
  prunax.save_shrunk(tmp_path / 'a.npz', nnx.state(small), report.plan)
  loaded, _ = prunax.load_module(tmp_path / 'a.npz', module)
  np.testing.assert_array_equal(loaded(WORDS), small(WORDS))


def test_a_constant_without_a_bias_is_refused():
  module = built(lambda rngs: Sigmoids(rngs, use_bias=False))
  with pytest.raises(InputError, match="layer 'down' must have a bias"):
    prunax.shrink_module(module, WORDS, density=0.5)


@pytest.mark.parametrize('name', ['residual', 'words'])
def test_a_module_is_saved_and_loaded(tmp_path, name):
  build, x = MODULES[name]
  module = built(build)
  small, report = prunax.shrink_module(module, x, density=0.5)
  state = nnx.state(small, nnx.Not(nnx.RngState))
  prunax.save_shrunk(tmp_path / 'a.prx', state, report.plan)
  loaded, plan = prunax.load_module(tmp_path / 'a.prx', built(build))
  np.testing.assert_array_equal(called(loaded, x), called(small, x))
  assert plan.left() == report.plan.left()


def test_a_file_that_adds_to_products_is_no_module(tmp_path):
  module = built(Sigmoids)
  graph, state = nnx.split(module)
  small = prunax.shrink(
    lambda v, x: nnx.merge(graph, v)(x),
    nnx.to_pure_dict(state),
    WORDS,
    density=0.5,
  )
  path = tmp_path / 'a.npz'
  prunax.save_shrunk(path, small.variables, small.report.plan)
  with pytest.raises(InputError, match='load it by load_shrunk'):
    prunax.load_module(path, module)


class Fixed(nnx.Module):
  """A width in its code."""

  def __init__(self, rngs):
    self.hidden = nnx.Linear(12, 16, rngs=rngs)

  def __call__(self, x):
    return nnx.relu(self.hidden(x)).reshape(*x.shape[:-1], 4, 4).max(-1)


class Scaled(nnx.Module):
  """Divides by a width of its own."""

  def __init__(self, rngs):
    self.up = nnx.Linear(12, 16, rngs=rngs)
    self.down = nnx.Linear(16, 3, rngs=rngs)

  def __call__(self, x):
    x = nnx.relu(self.up(x))
    return self.down(x / x.shape[-1])


def test_a_width_in_the_code_is_refused_by_name():
  module = built(lambda rngs: Around(Fixed(rngs), rngs))
  with pytest.raises(
    InputError, match=r'inner \(Fixed\) gives TypeError.*apply'
  ):
    prunax.shrink_module(module, WORDS, density=0.7)


@pytest.mark.parametrize(
  'x',
  [np.zeros((2, 12), np.float32), jax.ShapeDtypeStruct((2, 12), np.float32)],
  ids=type,
)
def test_other_answers_are_refused(x):
  module = built(Scaled)
  module.down.kernel[...] = jnp.zeros((16, 3))
  with pytest.raises(InputError, match='Scaled answers otherwise'):
    prunax.shrink_module(module, x, density=0.5)


def test_arguments_by_name_are_the_module_s():
  class Gated(nnx.Module):
    def __init__(self, rngs):
      self.up = nnx.Linear(12, 16, rngs=rngs)
      self.down = nnx.Linear(16, 3, rngs=rngs)

    def __call__(self, x, gate, squash):
      x = self.up(x)
      return self.down(nnx.relu(x) if squash else x) * gate

  named = {'gate': np.float32(2), 'squash': True}
  module = built(Gated)
  small, report = prunax.shrink_module(module, WORDS, density=0.5, **named)
  wanted = masked(module, report.plan)(WORDS, **named)
  np.testing.assert_allclose(small(WORDS, **named), wanted, atol=1e-5)
