"""Widths that the layers of NNX keep beside their arrays."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


@dataclasses.dataclass(frozen=True)
class CutAttention:
  """Attention whose heads lost some of their widths, by the one it had.

  Scores are divided by the root of the width before the cut, and what queries
  and values lost need not be the same.

  Attributes:
    function: the attention before the cut.
    depth: the width of a query before the cut.
  """

  function: Callable[..., jax.Array]
  depth: int

  def __call__(
    self, query: jax.Array, key: jax.Array, value: jax.Array, **kwargs: Any
  ) -> jax.Array:
    width = max(query.shape[-1], value.shape[-1])
    query = query * math.sqrt(width / self.depth)
    padded = (_padded(x, width) for x in (query, key, value))
    return self.function(*padded, **kwargs)[..., : value.shape[-1]]


def _padded(x: jax.Array, width: int) -> jax.Array:
  around = [(0, 0)] * (x.ndim - 1)
  return jnp.pad(x, [*around, (0, width - x.shape[-1])])


def mend(module: nnx.Module) -> None:
  """Sets the widths of all layers of Flax to those of their arrays.

  >>> layer = nnx.Linear(3, 4, rngs=nnx.Rngs(0))
  >>> layer.kernel.set_value(jnp.ones((3, 2)))
  >>> mend(layer)
  >>> layer.out_features
  2

  Args:
    module: whose arrays may be smaller than its layers were built for.
  """
  for _, layer in nnx.iter_modules(module):
    for kind, widths in _WIDTHS.items():
      if isinstance(layer, kind):
        for name, value in widths(layer).items():
          setattr(layer, name, value)


def _linear(layer: Any) -> dict[str, Any]:
  inputs, outputs = layer.kernel.shape[-2:]
  return {'in_features': inputs, 'out_features': outputs}


def _lora(layer: Any) -> dict[str, Any]:
  inputs, outputs = layer.lora_a.shape[-2], layer.lora_b.shape[-1]
  return {'in_features': inputs, 'out_features': outputs}


def _linear_general(layer: Any) -> dict[str, Any]:
  n, m = len(layer.in_features), len(layer.out_features)
  widths = layer.kernel.shape[-n - m :]
  return {'in_features': widths[:n], 'out_features': widths[n:]}


def _einsum(layer: Any) -> dict[str, Any]:
  found = {'kernel_shape': _last(layer.kernel, layer.kernel_shape)}
  if layer.bias is not None:
    found['bias_shape'] = _last(layer.bias, layer.bias_shape)
  return found


def _conv(layer: Any) -> dict[str, Any]:
  shape = _last(layer.kernel, layer.kernel_shape)
  groups, inside = layer.feature_group_count, shape[-2]
  if groups > 1 and groups >= layer.kernel_shape[-2]:
    # Whole groups went; else a part of each.
    groups = shape[-1] * groups // layer.out_features
  return {
    'kernel_shape': shape,
    'in_features': inside * groups,
    'out_features': shape[-1],
    'feature_group_count': groups,
  }


def _conv_transpose(layer: Any) -> dict[str, Any]:
  shape = _last(layer.kernel, layer.kernel_shape)
  widths = shape[:-3:-1] if layer.transpose_kernel else shape[-2:]
  return {
    'kernel_shape': shape,
    'in_features': widths[0],
    'out_features': widths[1],
  }


def _embed(layer: Any) -> dict[str, Any]:
  count, features = layer.embedding.shape[-2:]
  return {'num_embeddings': count, 'features': features}


def _norm(layer: Any) -> dict[str, Any]:
  width = _normed(layer)
  return {} if width is None else {'num_features': width}


def _group_norm(layer: Any) -> dict[str, Any]:
  # What a group norms over stays whole.
  width = _normed(layer)
  return {} if width is None else {'num_groups': width // layer.group_size}


def _normed(layer: Any) -> int | None:
  """How wide a norm is, if it holds an array that tells."""
  for name in ('mean', 'scale', 'bias'):
    held = getattr(layer, name, None)
    if held is not None:
      return held.shape[-1]
  return None


def _attention(layer: Any) -> dict[str, Any]:
  heads, depth = layer.query.kernel.shape[-2:]
  found = {
    'in_features': layer.query.kernel.shape[-3],
    'in_kv_features': layer.key.kernel.shape[-3],
    'out_features': layer.out.kernel.shape[-1],
    'num_heads': heads,
    'num_kv_heads': layer.key.kernel.shape[-2],
    'head_dim': depth,
    'qkv_features': heads * depth,
  }
  before, value = layer.head_dim, layer.value.kernel.shape[-1]
  attention = layer.attention_fn
  if (before, before) != (depth, value) and not _is_cut(attention):
    found['attention_fn'] = CutAttention(attention, before)
  return found


def _is_cut(attention: Any) -> bool:
  return isinstance(attention, CutAttention)


def _cell(layer: Any) -> dict[str, Any]:
  known = ('ii', 'hi') if hasattr(layer, 'hi') else ('dense_i', 'dense_h')
  inputs, hidden = (getattr(layer, name).kernel.shape[-2] for name in known)
  return {'in_features': inputs, 'hidden_features': hidden}


def _last(array: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
  """The last axes of an array; layers in a row may lie on those before."""
  return tuple(array.shape[-len(shape) :])


_WIDTHS: dict[type, Callable[[Any], dict[str, Any]]] = {
  nnx.Linear: _linear,
  nnx.LoRA: _lora,
  nnx.LinearGeneral: _linear_general,
  nnx.Einsum: _einsum,
  nnx.Conv: _conv,
  nnx.ConvTranspose: _conv_transpose,
  nnx.Embed: _embed,
  **dict.fromkeys(
    [nnx.BatchNorm, nnx.LayerNorm, nnx.RMSNorm, nnx.InstanceNorm], _norm
  ),
  nnx.GroupNorm: _group_norm,
  nnx.MultiHeadAttention: _attention,
  **dict.fromkeys(
    [nnx.LSTMCell, nnx.OptimizedLSTMCell, nnx.SimpleCell, nnx.GRUCell], _cell
  ),
}
