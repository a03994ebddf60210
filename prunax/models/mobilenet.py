"""MobileNet: each convolution split by channels and by pixels."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
from flax import nnx

from prunax.errors import InputError
from prunax.models import layers
from prunax.models.adapters import nnx_model
from prunax.models.types import Model

# Outputs of conv0 and of the 13 pointwise convolutions.
WIDTHS = (32, 64, 128, 128, 256, 256, *(512,) * 6, 1024, 1024)


class Kind(NamedTuple):
  """What tells the two networks from one another.

  Attributes:
    strides: of conv0 and of the 13 depthwise convolutions.
    bias: whether conv0 and the pointwise convolutions have biases.
    epsilon: of the batch normalizations.
    momentum: what stays of their running averages.
  """

  strides: tuple[int, ...]
  bias: bool
  epsilon: float
  momentum: float


_CIFAR = Kind((1, 1, 1, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1), False, 1e-5, 0.9)
_IMAGENET = Kind((2, 1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1), True, 1e-3, 0.9997)


class Block(nnx.Module):
  """A depthwise and a pointwise convolution, each with a norm and a ReLU6."""

  def __init__(
    self, inputs: int, outputs: int, stride: int, kind: Kind, rngs: nnx.Rngs
  ):
    self.depthwise = layers.Depthwise(inputs, stride, rngs)
    self.norm1 = _norm(inputs, kind, rngs)
    self.pointwise = layers.conv(inputs, outputs, 1, rngs, bias=kind.bias)
    self.norm2 = _norm(outputs, kind, rngs)

  def __call__(self, x: jax.Array) -> jax.Array:
    x = layers.relu6(self.norm1(self.depthwise(x)))
    return layers.relu6(self.norm2(self.pointwise(x)))


def _norm(width: int, kind: Kind, rngs: nnx.Rngs) -> nnx.BatchNorm:
  return layers.norm(width, rngs, epsilon=kind.epsilon, momentum=kind.momentum)


class MobileNet(nnx.Module):
  """A convolution, 13 blocks, the mean over pixels, and a dense layer.

  Howard et al., MobileNets (2017).
  """

  def __init__(
    self, widths: Sequence[int], kind: Kind, classes: int, rngs: nnx.Rngs
  ):
    stem, *outputs = widths
    first, *strides = kind.strides
    self.conv0 = layers.conv(3, stem, 3, rngs, stride=first, bias=kind.bias)
    self.norm0 = _norm(stem, kind, rngs)
    for i, (width, output, stride) in enumerate(
      zip(widths, outputs, strides, strict=False), 1
    ):
      setattr(self, f'block{i}', Block(width, output, stride, kind, rngs))
    self.dense = layers.dense(widths[-1], classes, rngs)

  def __call__(self, x: jax.Array) -> jax.Array:
    x = layers.relu6(self.norm0(self.conv0(x)))
    for i in range(1, len(WIDTHS)):
      x = getattr(self, f'block{i}')(x)
    return self.dense(layers.averaged(x))


def _model(
  name: str, widths: Sequence[int], kind: Kind, classes: int, size: int
) -> Model:
  widths = tuple(widths)
  if len(widths) != len(WIDTHS):
    raise InputError(
      f'widths must be {len(WIDTHS)} numbers, of conv0 and of the blocks, got'
      f' {len(widths)}: mend widths'
    )

  def build(rngs: nnx.Rngs) -> MobileNet:
    return MobileNet(widths, kind, classes, rngs)

  return nnx_model(name, build, (size, size, 3), classes)


def cifar_mobilenet(
  name: str = 'mobilenet_cifar10',
  widths: Sequence[int] = WIDTHS,
  classes: int = 10,
) -> Model:
  """MobileNet as COP has it for CIFAR; it takes [n, 32, 32, 3].

  >>> cifar_mobilenet('half', [n // 2 for n in WIDTHS]).classes
  10

  Args:
    name: of the model.
    widths: outputs of conv0 and of the 13 blocks.
    classes: the number of logits.
  """
  return _model(name, widths, _CIFAR, classes, 32)


def imagenet_mobilenet(
  name: str = 'mobilenet_imagenet',
  widths: Sequence[int] = WIDTHS,
  classes: int = 1001,
  image_size: int = 224,
) -> Model:
  """MobileNet as COP has it for ImageNet; it takes [n, 224, 224, 3].

  >>> imagenet_mobilenet('slim', [8] * 14, image_size=64).input_shape
  (64, 64, 3)

  Args:
    name: of the model.
    widths: outputs of conv0 and of the 13 blocks.
    classes: the number of logits.
    image_size: height and width.
  """
  return _model(name, widths, _IMAGENET, classes, image_size)
