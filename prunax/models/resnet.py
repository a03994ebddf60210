"""Residual networks of two convolutions a block, for CIFAR and ImageNet."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from prunax.errors import InputError
from prunax.models import layers
from prunax.models.adapters import nnx_model
from prunax.models.types import Model

_SHORTCUTS = ('pad', 'project', 'project_if_needed')


class Kind(NamedTuple):
  """What tells one residual network from another.

  Attributes:
    version: 1 has a norm after each convolution and a ReLU after the sum (He
      et al. 2015), 2 a norm and a ReLU before each convolution (He et al.
      2016).
    shortcut: what comes from the input of a stage: 'pad' takes every other
      pixel and fills up with channels of zeros, 'project' is a 1x1 convolution
      in each stage, 'project_if_needed' where the stride or the width changes.
    momentum: what stays of a running average.
    padding: of the 3x3 convolutions: 'SAME', or 1 on each side.
  """

  version: int
  shortcut: str
  momentum: float
  padding: str | int


# As SFP and FPGM prune it, and as COP does.
_V1 = Kind(1, 'pad', 0.9, 1)
_V2 = Kind(2, 'project', 0.997, 'SAME')
_IMAGENET = Kind(1, 'project_if_needed', 0.997, 'SAME')


def _norm(width: int, momentum: float, rngs: nnx.Rngs) -> nnx.BatchNorm:
  return layers.norm(width, rngs, epsilon=1e-5, momentum=momentum)


def _padded(x: jax.Array, stride: int, width: int) -> jax.Array:
  """Every other pixel, and channels of zeros after those that there are."""
  more = width - x.shape[-1]
  return jnp.pad(x[:, ::stride, ::stride], ((0, 0),) * 3 + ((0, more),))


class Block(nnx.Module):
  """Two 3x3 convolutions beside a shortcut."""

  def __init__(
    self,
    inputs: int,
    inner: int,
    outputs: int,
    stride: int,
    kind: Kind,
    first: bool,
    rngs: nnx.Rngs,
  ):
    self.kind, self.stride = kind, stride
    self.conv1 = layers.conv(
      inputs, inner, 3, rngs, stride=stride, padding=kind.padding
    )
    self.conv2 = layers.conv(inner, outputs, 3, rngs, padding=kind.padding)
    normed = (inputs, inner) if kind.version == 2 else (inner, outputs)
    self.norm1 = _norm(normed[0], kind.momentum, rngs)
    self.norm2 = _norm(normed[1], kind.momentum, rngs)
    self.changes = stride > 1 or inputs != outputs
    always = first and kind.shortcut == 'project'
    self.projects = always or (self.changes and kind.shortcut != 'pad')
    if self.projects:
      self.shortcut = layers.conv(inputs, outputs, 1, rngs, stride=stride)
      if kind.version == 1:
        self.norm_shortcut = _norm(outputs, kind.momentum, rngs)

  def __call__(self, x: jax.Array) -> jax.Array:
    if self.kind.version == 2:
      y = self.conv1(jax.nn.relu(self.norm1(x)))
      y = self.conv2(jax.nn.relu(self.norm2(y)))
      return y + self._beside(x, y.shape[-1])
    y = jax.nn.relu(self.norm1(self.conv1(x)))
    y = self.norm2(self.conv2(y))
    return jax.nn.relu(y + self._beside(x, y.shape[-1]))

  def _beside(self, x: jax.Array, width: int) -> jax.Array:
    if not self.projects:
      return _padded(x, self.stride, width) if self.changes else x
    x = self.shortcut(x)
    return self.norm_shortcut(x) if self.kind.version == 1 else x


class Widths(NamedTuple):
  """How many channels a residual network has.

  Attributes:
    stem: outputs of the first convolution.
    stages: outputs of the blocks of each stage.
    inner: for each stage, outputs of the first convolution of each block.
  """

  stem: int
  stages: tuple[int, ...]
  inner: tuple[tuple[int, ...], ...]


class ResNet(nnx.Module):
  """A convolution, stages of residual blocks, and a dense layer."""

  def __init__(
    self, widths: Widths, kind: Kind, classes: int, large: bool, rngs: nnx.Rngs
  ):
    size, stride = (7, 2) if large else (3, 1)
    padding = 'SAME' if large else kind.padding
    self.kind, self.large = kind, large
    self.conv0 = layers.conv(
      3, widths.stem, size, rngs, stride=stride, padding=padding
    )
    # In version 2 it comes after all blocks.
    last = widths.stages[-1]
    normed = last if kind.version == 2 else widths.stem
    self.norm0 = _norm(normed, kind.momentum, rngs)
    inputs, names = widths.stem, []
    for n, (width, row) in enumerate(
      zip(widths.stages, widths.inner, strict=True), 1
    ):
      for i, inner in enumerate(row, 1):
        stride = 2 if n > 1 and i == 1 else 1
        names.append(f'block{n}_{i}')
        block = Block(inputs, inner, width, stride, kind, i == 1, rngs)
        setattr(self, names[-1], block)
        inputs = width
    self.blocks = tuple(names)
    self.dense = layers.dense(last, classes, rngs)

  def __call__(self, x: jax.Array) -> jax.Array:
    x = self.conv0(x)
    if self.kind.version == 1:
      x = jax.nn.relu(self.norm0(x))
    if self.large:
      x = nnx.max_pool(x, (3, 3), strides=(2, 2), padding='SAME')
    for name in self.blocks:
      x = getattr(self, name)(x)
    if self.kind.version == 2:
      x = jax.nn.relu(self.norm0(x))
    return self.dense(layers.averaged(x))


def _widths(
  stages: Sequence[int],
  blocks: int,
  stem: int | None,
  inner: Sequence[Sequence[int]] | None,
) -> Widths:
  """The widths, with those of a stage where none are given."""
  if inner is None:
    inner = [[width] * blocks for width in stages]
  shape = [len(row) for row in inner]
  if shape != [blocks] * len(stages):
    raise InputError(
      f'inner must have {blocks} widths for each of {len(stages)} stages, got'
      f' {shape}: mend inner'
    )
  rows = tuple(tuple(row) for row in inner)
  return Widths(stages[0] if stem is None else stem, tuple(stages), rows)


def cifar_resnet(
  name: str = 'resnet32_cifar10',
  depth: int = 32,
  version: int = 2,
  widths: Sequence[int] = (16, 32, 64),
  classes: int = 10,
  *,
  shortcut: str | None = None,
  stem: int | None = None,
  inner: Sequence[Sequence[int]] | None = None,
  momentum: float | None = None,
) -> Model:
  """A residual network for CIFAR; it takes [n, 32, 32, 3].

  Version 2 is that of COP, with a projection at the start of every stage;
  version 1 that of the papers on SFP and FPGM, whose shortcuts have no
  weights.

  >>> cifar_resnet('slim', depth=8, widths=(4, 8, 16), classes=5).classes
  5

  Args:
    name: of the model.
    depth: 6 k + 2 for k blocks in each of the three stages.
    version: 1 or 2.
    widths: outputs of the stages.
    classes: the number of logits.
    shortcut: 'pad' or 'project', if not that of the version.
    stem: outputs of the first convolution, if not those of the first stage.
    inner: for each stage, outputs of the first convolution of each block, if
      not those of the stage.
    momentum: what stays of a running average, if not that of the version.
  """
  blocks = (depth - 2) // 6
  if blocks < 1 or depth != 6 * blocks + 2:
    raise InputError(f'depth must be 6 k + 2, got {depth}: name 20 or 32, say')
  if version not in (1, 2):
    raise InputError(f'version must be 1 or 2, got {version!r}: name one')
  kind = (_V1, _V2)[version - 1]
  kind = kind._replace(shortcut=shortcut or kind.shortcut)
  if momentum is not None:
    kind = kind._replace(momentum=momentum)
  if kind.shortcut not in _SHORTCUTS:
    raise InputError(
      f'shortcut must be one of {", ".join(_SHORTCUTS)}, got {shortcut!r}'
    )
  shape = _widths(widths, blocks, stem, inner)

  def build(rngs: nnx.Rngs) -> ResNet:
    return ResNet(shape, kind, classes, large=False, rngs=rngs)

  return nnx_model(name, build, (32, 32, 3), classes)


def resnet18(
  name: str = 'resnet18_imagenet',
  widths: Sequence[int] = (64, 128, 256, 512),
  classes: int = 1001,
  image_size: int = 224,
  *,
  stem: int | None = None,
  inner: Sequence[Sequence[int]] | None = None,
) -> Model:
  """ResNet18 as COP has it for ImageNet; it takes [n, 224, 224, 3].

  >>> resnet18('slim', (4, 4, 8, 8), classes=5, image_size=64).input_shape
  (64, 64, 3)

  Args:
    name: of the model.
    widths: outputs of the four stages.
    classes: the number of logits.
    image_size: height and width.
    stem: as for `cifar_resnet`.
    inner: as for `cifar_resnet`.
  """
  shape = _widths(widths, 2, stem, inner)

  def build(rngs: nnx.Rngs) -> ResNet:
    return ResNet(shape, _IMAGENET, classes, large=True, rngs=rngs)

  return nnx_model(name, build, (image_size, image_size, 3), classes)
