"""A bottleneck network of ResNet50's size, written by hand for benchmarks."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

# He et al. (2015): the blocks of each stage; their outputs have four times
# these widths.
BLOCKS, WIDTHS = (3, 4, 6, 3), (64, 128, 256, 512)


def _conv(x: jax.Array, kernel: jax.Array, stride: int = 1) -> jax.Array:
  labels = ('NHWC', 'HWIO', 'NHWC')
  return lax.conv_general_dilated(
    x, kernel, (stride, stride), 'SAME', dimension_numbers=labels
  )


def _norm(x: jax.Array, p: dict[str, Any]) -> jax.Array:
  scale = p['scale'] * lax.rsqrt(p['var'] + 1e-5)
  return (x - p['mean']) * scale + p['bias']


def _layer(x: jax.Array, p: dict[str, Any], stride: int = 1) -> jax.Array:
  return _norm(_conv(x, p['kernel'], stride), p)


def _block(x: jax.Array, p: dict[str, Any], stride: int) -> jax.Array:
  y = jax.nn.relu(_layer(x, p['reduce']))
  y = jax.nn.relu(_layer(y, p['middle'], stride))
  y = _layer(y, p['expand'])
  if 'shortcut' in p:
    x = _layer(x, p['shortcut'], stride)
  return jax.nn.relu(x + y)


def apply(variables: dict[str, Any], x: jax.Array) -> jax.Array:
  """Images [n, 224, 224, 3] to 1,000 logits."""
  x = jax.nn.relu(_layer(x, variables['stem'], 2))
  x = lax.reduce_window(
    x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), 'SAME'
  )
  for stage, count in enumerate(BLOCKS):
    for i in range(count):
      stride = 2 if stage and not i else 1
      x = _block(x, variables[f'block{stage}_{i}'], stride)
  x = jnp.mean(x, (1, 2))
  return x @ variables['dense']['kernel'] + variables['dense']['bias']


def variables(seed: int = 0) -> dict[str, Any]:
  """Random weights, 25.6 million with the norms."""
  rng = np.random.default_rng(seed)

  def layer(size: int, inputs: int, outputs: int) -> dict[str, Any]:
    shape = (size, size, inputs, outputs)
    kernel = rng.standard_normal(shape, np.float32)
    ones = np.ones(outputs, np.float32)
    return {
      'kernel': kernel * np.float32((2 / (size * size * inputs)) ** 0.5),
      'scale': ones,
      'bias': 0 * ones,
      'mean': 0 * ones,
      'var': ones,
    }

  found: dict[str, Any] = {'stem': layer(7, 3, 64)}
  inputs = 64
  for stage, (count, width) in enumerate(zip(BLOCKS, WIDTHS, strict=True)):
    for i in range(count):
      block = {
        'reduce': layer(1, inputs, width),
        'middle': layer(3, width, width),
        'expand': layer(1, width, 4 * width),
      }
      if not i:
        block['shortcut'] = layer(1, inputs, 4 * width)
      found[f'block{stage}_{i}'] = block
      inputs = 4 * width
  dense = rng.standard_normal((inputs, 1000), np.float32) / 45
  found['dense'] = {'kernel': dense, 'bias': np.zeros(1000, np.float32)}
  return found
