"""The two LeNets that pruning papers report, as Caffe defines them."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from prunax import tree
from prunax.errors import InputError
from prunax.models.adapters import from_nnx
from prunax.models.types import Model
from prunax.ops.conv_pool import conv_max_pool, split
from prunax.ops.sparse_conv_pool import check_few, sparse_conv_max_pool

_LAYERS = ('conv1', 'conv2', 'ip1', 'ip2')
_LEAVES = tuple(f'{x}/{leaf}' for x in _LAYERS for leaf in ('bias', 'kernel'))

# U(-a, a) with a = sqrt(3 / fan_in): what Caffe calls xavier.
_xavier = nnx.initializers.lecun_uniform()


def _dense(inputs: int, outputs: int, rngs: nnx.Rngs) -> nnx.Linear:
  return nnx.Linear(inputs, outputs, kernel_init=_xavier, rngs=rngs)


class ConvPool(nnx.Module):
  """A 5x5 convolution and 2x2 max pooling of `split` images."""

  def __init__(self, inputs: int, outputs: int, rngs: nnx.Rngs):
    shape = (5, 5, inputs, outputs)
    self.kernel = nnx.Param(_xavier(rngs.params(), shape))
    self.bias = nnx.Param(jnp.zeros(outputs))

  def __call__(self, x: jax.Array) -> jax.Array:
    # A bias may as well be added to the largest of four.
    bias = jnp.expand_dims(self.bias[...], (1, 2, 3, 4, 5))
    return conv_max_pool(x, self.kernel[...]) + bias


class LeNet300100(nnx.Module):
  """784 - 300 - 100 - 10, fully connected, with ReLU between.

  LeCun et al., Gradient-based learning applied to document recognition (1998).
  """

  def __init__(self, rngs: nnx.Rngs):
    self.ip1 = _dense(784, 300, rngs)
    self.ip2 = _dense(300, 100, rngs)
    self.ip3 = _dense(100, 10, rngs)

  def __call__(self, x: jax.Array) -> jax.Array:
    x = x.reshape(x.shape[0], -1)
    x = jax.nn.relu(self.ip1(x))
    x = jax.nn.relu(self.ip2(x))
    return self.ip3(x)


class LeNet5(nnx.Module):
  """Two 5x5 convolutions, each with 2x2 max pooling, and two dense layers.

  The network of Caffe's MNIST example: 20 and 50 channels, 500 hidden units
  and one ReLU, after `ip1`.
  """

  def __init__(self, rngs: nnx.Rngs):
    self.conv1 = ConvPool(1, 20, rngs)
    self.conv2 = ConvPool(20, 50, rngs)
    self.ip1 = _dense(800, 500, rngs)
    self.ip2 = _dense(500, 10, rngs)

  def __call__(self, x: jax.Array) -> jax.Array:
    # The batch goes last, and the halves that two poolings make are apart from
    # the start, so nothing has to be rearranged between the layers.
    x = split(x.transpose(3, 1, 2, 0), 4)
    x = self.conv2(self.conv1(x))
    # Channels, rows, columns: the order of Caffe's ip1.
    x = jax.nn.relu(self.ip1(x.reshape(-1, x.shape[-1]).T))
    return self.ip2(x)


def lenet300100() -> Model:
  """LeNet-300-100, 266,610 weights; it takes [n, 28, 28, 1] or [n, 784]."""
  return Model('lenet300100', *from_nnx(LeNet300100), (28, 28, 1), 10)


def lenet5() -> Model:
  """LeNet-5, 431,080 weights; it takes [n, 28, 28, 1]."""
  return Model('lenet5', *from_nnx(LeNet5), (28, 28, 1), 10)


def sparse_lenet5(variables: Any) -> Callable[[jax.Array], jax.Array]:
  """What LeNet-5 answers, as a program for these few weights alone.

  The weights are constants of the program, and a convolution takes one product
  for each that is not 0. For batches on a CPU that takes less time than the
  arrays that `prunax.shrink` left; for single images it takes more.

  >>> whole = lenet5()
  >>> net = whole.init(jax.random.key(0))
  >>> net['conv2'] = jax.tree.map(jnp.zeros_like, net['conv2'])
  >>> answers = jax.jit(sparse_lenet5(net))
  >>> answers(jnp.ones((3, 28, 28, 1))).shape
  (3, 10)

  Args:
    variables: of LeNet-5, of any widths: best those that `prunax.shrink` left.

  Returns:
    A function of images alone.
  """
  found = _known(variables)

  def apply(x: jax.Array) -> jax.Array:
    if x.shape[1:] != (28, 28, 1):
      raise InputError(
        f'images must be [n, 28, 28, 1], got {list(x.shape)}: reshape them'
      )
    x = x.transpose(3, 1, 2, 0)
    for layer in ('conv1', 'conv2'):
      bias = np.expand_dims(found[f'{layer}/bias'], (1, 2, 3))
      x = sparse_conv_max_pool(x, found[f'{layer}/kernel']) + bias
    x = x.reshape(-1, x.shape[-1]).T
    x = jax.nn.relu(x @ found['ip1/kernel'] + found['ip1/bias'])
    return x @ found['ip2/kernel'] + found['ip2/bias']

  return apply


def _known(variables: Any) -> dict[str, np.ndarray]:
  """The weights of a LeNet-5 of any widths, by name."""
  leaves = tree.named_leaves(variables)
  if sorted(leaves) != sorted(_LEAVES):
    raise InputError(
      f'sparse_lenet5 must have the leaves {", ".join(_LEAVES)}, got'
      f' {", ".join(leaves)[:200] or "none"}: give the variables of LeNet-5'
    )
  for name, shape in _shapes(leaves).items():
    x = leaves[name]
    given = isinstance(x, (np.ndarray, jax.Array))
    if isinstance(x, jax.core.Tracer) or not given or x.dtype.kind in 'cOSU':
      raise InputError(
        f'{name!r} must be an array of numbers that are known, got'
        f' {type(x).__name__}: give the weights, outside of jit'
      )
    if x.shape != shape:
      raise InputError(
        f'{name!r} must have the shape {shape} beside the other leaves, got'
        f' {x.shape}: give the variables of one LeNet-5'
      )
  found = {name: np.array(x) for name, x in leaves.items()}
  for name in ('conv1/kernel', 'conv2/kernel'):
    check_few(found[name], repr(name))
  return found


def _shapes(leaves: dict[str, Any]) -> dict[str, tuple[int, ...]]:
  """The shapes of all leaves of a LeNet-5 with as many biases a layer."""
  a, b, c, d = (np.size(leaves[f'{layer}/bias']) for layer in _LAYERS)
  return {
    'conv1/kernel': (5, 5, 1, a),
    'conv1/bias': (a,),
    'conv2/kernel': (5, 5, a, b),
    'conv2/bias': (b,),
    'ip1/kernel': (16 * b, c),
    'ip1/bias': (c,),
    'ip2/kernel': (c, d),
    'ip2/bias': (d,),
  }
