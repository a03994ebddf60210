"""The two VGG networks that COP prunes."""

from collections.abc import Sequence

import jax
from flax import nnx

from prunax.errors import InputError
from prunax.models import layers
from prunax.models.adapters import from_nnx, nnx_model
from prunax.models.types import Model

# How many convolutions come before each 2x2 max pooling.
_VGG16, _VGG11 = (2, 2, 3, 3, 3), (1, 1, 2, 2, 2)

WIDTHS16 = (64, 64, 128, 128, *(256,) * 3, *(512,) * 7)
WIDTHS11 = (64, 128, 256, 256, *(512,) * 4, 4096, 4096)

# The convolutions that a dropout follows; two more are before the dense layers.
_DROPPED = ('1_1', '2_1', '3_1', '3_2', '4_1', '4_2', '5_1', '5_2')

DROPOUT_CIFAR10 = (0.3, *(0.4,) * 7, 0.5, 0.5)
DROPOUT_CIFAR100 = (0.2, *(0.3,) * 7, 0.4, 0.4)


def _names(stages: Sequence[int]) -> list[list[str]]:
  """The convolutions of each stage: 1_1, 1_2, ..."""
  return [
    [f'{stage}_{i}' for i in range(1, count + 1)]
    for stage, count in enumerate(stages, 1)
  ]


def _all(stages: Sequence[int]) -> list[str]:
  return [name for stage in _names(stages) for name in stage]


def _conv(
  inputs: int, outputs: int, size: int, rngs: nnx.Rngs, padding: str = 'SAME'
) -> nnx.Conv:
  glorot = layers.glorot
  return layers.conv(
    inputs, outputs, size, rngs, padding=padding, bias=True, init=glorot
  )


def _norm(width: int, rngs: nnx.Rngs) -> nnx.BatchNorm:
  return layers.norm(width, rngs, epsilon=1e-3, momentum=0.99)


def _pooled(x: jax.Array) -> jax.Array:
  return nnx.max_pool(x, (2, 2), strides=(2, 2))


def _check(what: str, given: Sequence[float], wanted: int) -> None:
  if len(given) != wanted:
    raise InputError(
      f'{what} must be {wanted} numbers, one a layer, got {len(given)}: mend'
      f' {what}'
    )


class VGG16(nnx.Module):
  """13 convolutions 3x3 and a hidden layer, all with ReLU before the norm.

  The network of Wang et al. (2019) for CIFAR: convolution, bias, ReLU, batch
  normalization, dropout; the dense layers are 1x1 convolutions.
  """

  def __init__(
    self,
    widths: Sequence[int],
    dropout: Sequence[float],
    classes: int,
    rngs: nnx.Rngs,
  ):
    inputs = [3, *widths]
    for name, i, o in zip(_all(_VGG16), inputs, widths, strict=False):
      setattr(self, f'conv{name}', _conv(i, o, 3, rngs))
      setattr(self, f'norm{name}', _norm(o, rngs))
    *_, last, hidden = widths
    self.dense1 = _conv(last, hidden, 1, rngs)
    self.norm_dense1 = _norm(hidden, rngs)
    self.dense2 = _conv(hidden, classes, 1, rngs)
    self.drops = nnx.List([nnx.Dropout(rate) for rate in dropout])

  def __call__(self, x: jax.Array, rngs: nnx.Rngs | None = None) -> jax.Array:
    *after, before1, before2 = self.drops
    drops = dict(zip(_DROPPED, after, strict=True))
    for stage in _names(_VGG16):
      for name in stage:
        x = jax.nn.relu(getattr(self, f'conv{name}')(x))
        x = getattr(self, f'norm{name}')(x)
        if name in drops:
          x = drops[name](x, rngs=rngs)
      x = _pooled(x)
    x = jax.nn.relu(self.dense1(before1(x, rngs=rngs)))
    x = before2(self.norm_dense1(x), rngs=rngs)
    # One pixel is left of 32x32.
    return layers.averaged(self.dense2(x))


class VGG11(nnx.Module):
  """8 convolutions 3x3 and two hidden layers, without batch normalization.

  The network of Simonyan and Zisserman (2015), configuration A; its dense
  layers are convolutions, the first as large as what is left of the image.
  """

  def __init__(
    self,
    widths: Sequence[int],
    dropout: float,
    classes: int,
    pixels: int,
    rngs: nnx.Rngs,
  ):
    inputs = [3, *widths]
    for name, i, o in zip(_all(_VGG11), inputs, widths, strict=False):
      setattr(self, f'conv{name}', _conv(i, o, 3, rngs))
    *_, last, first, second = widths
    self.dense1 = _conv(last, first, pixels, rngs, padding='VALID')
    self.dense2 = _conv(first, second, 1, rngs)
    self.dense3 = _conv(second, classes, 1, rngs)
    self.drop = nnx.Dropout(dropout)

  def __call__(self, x: jax.Array, rngs: nnx.Rngs | None = None) -> jax.Array:
    for stage in _names(_VGG11):
      for name in stage:
        x = jax.nn.relu(getattr(self, f'conv{name}')(x))
      x = _pooled(x)
    x = self.drop(jax.nn.relu(self.dense1(x)), rngs=rngs)
    x = self.drop(jax.nn.relu(self.dense2(x)), rngs=rngs)
    return layers.averaged(self.dense3(x))


def vgg16(
  name: str = 'vgg16_cifar10',
  widths: Sequence[int] = WIDTHS16,
  classes: int = 10,
  dropout: Sequence[float] = DROPOUT_CIFAR10,
) -> Model:
  """VGG16 as COP has it for CIFAR; it takes [n, 32, 32, 3].

  >>> slim = vgg16('slim', [4] * 14, dropout=[0.0] * 10)
  >>> slim.input_shape, slim.classes
  ((32, 32, 3), 10)

  Args:
    name: of the model.
    widths: outputs of the 13 convolutions and of the hidden layer.
    classes: the number of logits.
    dropout: 10 rates: after the convolutions 1_1, 2_1, 3_1, 3_2, 4_1, 4_2,
      5_1 and 5_2, and before the two dense layers.
  """
  widths, dropout = tuple(widths), tuple(dropout)
  _check('widths', widths, len(WIDTHS16))
  _check('dropout', dropout, len(DROPOUT_CIFAR10))

  def build(rngs: nnx.Rngs) -> VGG16:
    return VGG16(widths, dropout, classes, rngs)

  return nnx_model(name, build, (32, 32, 3), classes)


def vgg11(
  name: str = 'vgg11_imagenet',
  widths: Sequence[int] = WIDTHS11,
  classes: int = 1001,
  dropout: float = 0.5,
  image_size: int = 224,
) -> Model:
  """VGG11 as COP has it for ImageNet; it takes [n, 224, 224, 3].

  >>> vgg11('slim', [4] * 10, classes=5, image_size=64).input_shape
  (64, 64, 3)

  Args:
    name: of the model.
    widths: outputs of the 8 convolutions and of the two hidden layers.
    classes: the number of logits.
    dropout: the rate after each hidden layer.
    image_size: height and width, a multiple of 32.
  """
  widths = tuple(widths)
  _check('widths', widths, len(WIDTHS11))
  if image_size < 32 or image_size % 32:
    raise InputError(
      f'image_size must be a multiple of 32, got {image_size}: the poolings'
      ' halve it five times'
    )

  def build(rngs: nnx.Rngs) -> VGG11:
    return VGG11(widths, dropout, classes, image_size // 32, rngs)

  shape = (image_size, image_size, 3)
  return Model(name, *from_nnx(build), shape, classes)
