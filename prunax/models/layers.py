"""The layers that the networks for images are made of."""

import jax
import jax.numpy as jnp
from flax import nnx

from prunax.ops.conv import conv_general_dilated
from prunax.ops.depthwise import depthwise

# Normal, cut off at two deviations, of variance 2 / fan_in.
he = nnx.initializers.he_normal()
glorot = nnx.initializers.glorot_uniform()


def conv(
  inputs: int,
  outputs: int,
  size: int,
  rngs: nnx.Rngs,
  *,
  stride: int = 1,
  padding: str | int = 'SAME',
  bias: bool = False,
  init: nnx.Initializer = he,
) -> nnx.Conv:
  """A square convolution."""
  return nnx.Conv(
    inputs,
    outputs,
    (size, size),
    strides=stride,
    padding=padding,
    use_bias=bias,
    kernel_init=init,
    conv_general_dilated=conv_general_dilated,
    rngs=rngs,
  )


def norm(
  width: int, rngs: nnx.Rngs, *, epsilon: float, momentum: float
) -> nnx.BatchNorm:
  """A batch normalization; `momentum` is what stays of a running average."""
  return nnx.BatchNorm(width, epsilon=epsilon, momentum=momentum, rngs=rngs)


def dense(
  inputs: int, outputs: int, rngs: nnx.Rngs, init: nnx.Initializer = he
) -> nnx.Linear:
  """A fully connected layer with biases."""
  return nnx.Linear(inputs, outputs, kernel_init=init, rngs=rngs)


class Depthwise(nnx.Module):
  """A 3x3 convolution of each channel by itself."""

  def __init__(self, width: int, stride: int, rngs: nnx.Rngs):
    self.kernel = nnx.Param(he(rngs.params(), (3, 3, 1, width)))
    self.stride = stride

  def __call__(self, x: jax.Array) -> jax.Array:
    return depthwise(x, self.kernel[...], self.stride)


def relu6(x: jax.Array) -> jax.Array:
  """A rectifier that stops at 6."""
  # That of JAX lets half a gradient through at 0, where cut channels are.
  return jnp.minimum(jax.nn.relu(x), 6.0)


def averaged(x: jax.Array) -> jax.Array:
  """The mean of each channel: [n, height, width, c] -> [n, c]."""
  return jnp.mean(x, (1, 2))
