"""Convolution and 2x2 max pooling by few weights, written out as sums."""

import functools

import jax.numpy as jnp
import numpy as np
from jax import Array

from prunax.errors import InputError
from prunax.ops.conv_pool import split

# A thousand weights take some five seconds to compile.
MOST_WEIGHTS = 5_000


def check_few(kernel: np.ndarray, name: str = 'a kernel') -> None:
  """Refuses a kernel whose program would take long to compile."""
  alive = np.count_nonzero(kernel)
  if alive > MOST_WEIGHTS:
    raise InputError(
      f'{name} must have at most {MOST_WEIGHTS:,} weights that are not 0 to be'
      f' written out, got {alive:,}: prune it, or use the dense form'
    )


def sparse_conv_max_pool(x: Array, kernel: np.ndarray) -> Array:
  """max over p, q in {0, 1} of sum_ijc x[c, 2a+p+i, 2b+q+j, n] k[i, j, c, o].

  The program has a product for each weight that is not 0, and the weight is a
  constant of it. With the batch innermost, each is one for whole vectors.

  >>> x = jnp.arange(16.0).reshape(1, 4, 4, 1)
  >>> kernel = np.array([[2.0, 0.0]], np.float32).reshape(1, 1, 1, 2)
  >>> sparse_conv_max_pool(x, kernel)[..., 0].tolist()
  [[[10.0, 14.0], [26.0, 30.0]], [[0.0, 0.0], [0.0, 0.0]]]

  Args:
    x: images with the batch last, [c, h, w, n], of even sides.
    kernel: [kh, kw, c, o], whose weights are known.

  Returns:
    The pooled images, [o, ., ., n].
  """
  x, kernel = split(x, 2), np.asarray(kernel)
  check_few(kernel)
  (kh, kw), (_, _, _, rows, columns, n) = kernel.shape[:2], x.shape
  h, w = rows - kh // 2, columns - kw // 2

  def moved(c: int, i: int, j: int) -> Array:
    """The pixels (2a + i, 2b + j) of a channel."""
    plane = x[c, i % 2, j % 2]
    return plane[i // 2 : i // 2 + h, j // 2 : j // 2 + w]

  def output(weights: np.ndarray) -> Array:
    places = [tuple(place) for place in np.argwhere(weights)]
    if not places:
      return jnp.zeros((h, w, n), x.dtype)
    sums = [
      functools.reduce(
        jnp.add,
        [
          float(weights[i, j, c]) * moved(c, i + p, j + q) for i, j, c in places
        ],
      )
      for p in (0, 1)
      for q in (0, 1)
    ]
    return functools.reduce(jnp.maximum, sums)

  return jnp.stack([output(own) for own in np.moveaxis(kernel, 3, 0)])
