"""Modules of NNX, written the usual way."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

IMAGES = np.random.default_rng(0).normal(size=(2, 8, 8, 3))
WORDS = np.random.default_rng(0).normal(size=(2, 5, 12))
MASK = np.arange(8 * 12 * 9).reshape(3, 3, 8, 12) % 2.0


class Residual(nnx.Module):
  """A CNN with norms, groups, a shortcut, a dropout and a mask."""

  def __init__(self, rngs):
    def conv(*widths, groups=1):
      return nnx.Conv(*widths, (3, 3), feature_group_count=groups, rngs=rngs)

    self.stem, self.norm = conv(3, 8), nnx.BatchNorm(8, rngs=rngs)
    self.depth, self.groups = conv(8, 8, groups=8), conv(8, 8, groups=2)
    self.back = nnx.ConvTranspose(8, 8, (3, 3), rngs=rngs)
    self.fewer = nnx.GroupNorm(8, 4, rngs=rngs)
    self.masked = nnx.Conv(8, 12, (3, 3), mask=MASK, rngs=rngs)
    self.hidden = nnx.LinearGeneral((4, 12), (2, 6), axis=(-2, -1), rngs=rngs)
    self.each = nnx.Einsum('bhi,hio->bho', (2, 6, 5), (2, 5), rngs=rngs)
    self.drop = nnx.Dropout(0.5, rngs=rngs)
    self.out = nnx.LoRALinear(10, 3, lora_rank=4, rngs=rngs)

  def __call__(self, x):
    x = nnx.relu(self.norm(self.stem(x)))
    x = x + nnx.relu(self.groups(self.depth(x)))
    x = nnx.silu(self.masked(self.fewer(self.back(x))))
    x = nnx.max_pool(x, (8, 2), (8, 2)).reshape(len(x), 4, -1)
    x = self.drop(nnx.gelu(self.each(nnx.tanh(self.hidden(x)))))
    return self.out(x.reshape(len(x), -1))


class Transformer(nnx.Module):
  """Attention whose queries and values may lose different widths."""

  def __init__(self, rngs, **settings):
    self.attention = nnx.MultiHeadAttention(
      4, 12, qkv_features=32, decode=False, rngs=rngs, **settings
    )
    self.up = nnx.Linear(12, 24, rngs=rngs)
    self.norm = nnx.LayerNorm(12, rngs=rngs)
    self.down = nnx.Linear(24, 12, rngs=rngs)

  def __call__(self, x):
    x = x + self.attention(self.norm(x))
    return x + self.down(nnx.gelu(self.up(x)))


class Recurrent(nnx.Module):
  """A sequence through a cell."""

  def __init__(self, cell, rngs):
    self.rnn = nnx.RNN(cell(12, 16, rngs=rngs), rngs=rngs)
    self.out = nnx.Linear(16, 3, rngs=rngs)

  def __call__(self, x):
    return self.out(self.rnn(x)[:, -1])


class Words(nnx.Module):
  """An embedding, and more layers than digits."""

  def __init__(self, rngs):
    self.table = nnx.Embed(10, 16, rngs=rngs)
    self.layers = nnx.List(
      [nnx.Linear(16, 16, use_bias=False, rngs=rngs) for _ in range(11)]
    )

  def __call__(self, x):
    x = self.table(x)
    for layer in self.layers:
      x = nnx.relu(layer(x))
    return x


def built(build):
  """A module of positive and negative numbers, in evaluation."""
  rng = np.random.default_rng(1)

  def filled(x):
    if isinstance(x, nnx.RngKey):
      return x.replace(jax.random.key(0))
    if isinstance(x, nnx.RngCount):
      return x.replace(jnp.zeros((), np.uint32))
    numbers = rng.normal(size=x.shape) / np.sqrt(np.size(x) / x.shape[-1])
    if isinstance(x, nnx.Variable):
      is_average = isinstance(x, nnx.BatchStat)
      return x.replace(np.abs(numbers) if is_average else numbers)
    return jnp.asarray(numbers)

  graph, state = nnx.split(nnx.eval_shape(lambda: build(nnx.Rngs(0))))
  state = jax.tree.map(
    filled, state, is_leaf=lambda x: isinstance(x, nnx.Variable)
  )
  module = nnx.merge(graph, state)
  module.eval()
  return module
