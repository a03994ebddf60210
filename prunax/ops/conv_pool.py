"""Convolution and 2x2 max pooling as one operation, with the batch innermost.

Pooling keeps the largest of four convolutions whose windows are one pixel
apart, so the four are computed from the same patches, in one product of
matrices that needs a third of the patches of convolution alone.
"""

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from prunax.errors import InputError
from prunax.ops.conv import conv
from prunax.ops.winograd import winograd


def split(x: Array, s: int) -> Array:
  """Pixel (s a + i, s b + j) of every image at [i, j, a, b].

  >>> split(jnp.arange(16).reshape(1, 4, 4, 1), 2)[0, 0, 1, :, :, 0].tolist()
  [[1, 3], [9, 11]]

  Args:
    x: images with the batch last, [c, h, w, n].
    s: a divisor of h and w.

  Returns:
    [c, s, s, h / s, w / s, n].
  """
  c, h, w, n = x.shape
  x = x.reshape(c, h // s, s, w // s, s, n)
  return x.transpose(0, 2, 4, 1, 3, 5)


@jax.custom_vjp
def conv_max_pool(x: Array, kernel: Array) -> Array:
  """max over p, q in {0, 1} of sum_ijc x[c, 2a+p+i, 2b+q+j, n] k[i, j, c, o].

  Args:
    x: images `split` by s, [c, s, s, h / s, w / s, n].
    kernel: [kh, kw, c, o], with kh - 1 and kw - 1 multiples of s.

  Returns:
    The pooled images split by s / 2, [o, s/2, s/2, ., ., n]. Where windows tie,
    the gradient goes to the first of them in the order of rows, as in Caffe.
  """
  return _conv_max_pool_fwd(x, kernel)[0]


def _conv_max_pool_fwd(
  x: Array, kernel: Array
) -> tuple[Array, tuple[Array, Array, Array]]:
  shape = _pooled_shape(x, kernel)
  phases = lax.platform_dependent(x, kernel, cpu=_phases, default=_plain_phases)
  largest, first = phases[0], jnp.zeros(phases[0].shape, jnp.uint8)
  for i in range(1, 4):
    larger = phases[i] > largest
    largest = jnp.where(larger, phases[i], largest)
    first = jnp.where(larger, jnp.uint8(i), first)
  return largest.reshape(shape), (x, kernel, first)


def _conv_max_pool_bwd(
  saved: tuple[Array, Array, Array], g: Array
) -> tuple[Array, Array]:
  x, kernel, first = saved
  place = jnp.arange(4, dtype=jnp.uint8)[:, None, None]
  g = jnp.where(first[None] == place, g.reshape(1, *first.shape), 0)
  return lax.platform_dependent(
    x, kernel, g, cpu=_gradients, default=_plain_gradients
  )


conv_max_pool.defvjp(_conv_max_pool_fwd, _conv_max_pool_bwd)


def _pooled_shape(x: Array, kernel: Array) -> tuple[int, ...]:
  _, s, _, h, w, n = x.shape
  kh, kw, _, o = kernel.shape
  if s % 2 or (kh - 1) % s or (kw - 1) % s:
    raise InputError(
      'the sides of a kernel less one must be multiples of the even number that'
      f' the images are split by, got {kh} x {kw} and {s}: split by another or'
      ' use a convolution and a pooling'
    )
  return o, s // 2, s // 2, h - (kh - 1) // s, w - (kw - 1) // s, n


def _plain_phases(x: Array, kernel: Array) -> Array:
  """The four convolutions, [4, o, columns]: one column a pooled pixel."""
  c, s, _, h, w, n = x.shape
  images = x.transpose(5, 3, 1, 4, 2, 0).reshape(n, h * s, w * s, c)
  y = conv(images, kernel)
  _, p, q, o = y.shape
  y = y.reshape(n, p // s, s // 2, 2, q // s, s // 2, 2, o)
  return y.transpose(3, 6, 7, 2, 5, 1, 4, 0).reshape(4, o, -1)


def _plain_gradients(x: Array, kernel: Array, g: Array) -> tuple[Array, Array]:
  return jax.vjp(_plain_phases, x, kernel)[1](g)


def _windows(x: Array, split_axis: int, axis: int, taps: int) -> list[Array]:
  """What every tap meets along one side, at the even pixels of the images."""
  s = x.shape[split_axis]
  length = x.shape[axis] - (s + taps - 3) // s

  def pixels(i: int) -> Array:
    phase = lax.index_in_dim(x, i % s, split_axis)
    return lax.slice_in_dim(phase, i // s, i // s + length, axis=axis)

  return [
    jnp.concatenate([pixels(i + tap) for i in range(0, s, 2)], split_axis)
    for tap in range(taps)
  ]


def _combine(matrix: np.ndarray, arrays: Sequence[Array]) -> Array:
  """The product of a small matrix and a stack of arrays, without its zeros."""
  rows = []
  for row in matrix:
    terms = [float(m) * a for m, a in zip(row, arrays, strict=True) if m]
    rows.append(functools.reduce(jnp.add, terms))
  return jnp.stack(rows)


def _shifted(kernel: Array, axis: int) -> Array:
  """A kernel for either of two neighbouring outputs, with one tap more."""
  pads = [[(0, 0)] * kernel.ndim for _ in range(2)]
  pads[0][axis], pads[1][axis] = (0, 1), (1, 0)
  return jnp.stack([jnp.pad(kernel, pad) for pad in pads])


def _factors(x: Array, kernel: Array) -> tuple[Array, Array]:
  """Matrices whose product is the four convolutions, or their transforms.

  Both are batched over the rows' transforms: [t, rows, taps] for the kernel
  and [t, taps, columns] for the patches. There are kh + 1 transforms, from
  which `_phases` makes two rows of pixels, or just one.
  """
  kh, kw, _, o = kernel.shape
  rows = _windows(x, 1, 3, kh + 1)
  if _use_winograd(kernel):
    f = winograd(kh)
    image = _combine(f.inputs, rows)
    taps = _shifted(_combine(f.taps, list(kernel)), 1)
    matrix = taps.transpose(1, 0, 4, 2, 3).reshape(kh + 1, 2 * o, -1)
  else:
    image = jnp.stack(rows)
    taps = _shifted(_shifted(kernel, 1), 1)
    matrix = taps.transpose(0, 1, 5, 2, 3, 4).reshape(1, 4 * o, -1)
  patches = jnp.stack(_windows(image, 3, 5, kw + 1), 1)
  return matrix, patches.reshape(len(matrix), matrix.shape[2], -1)


def _use_winograd(kernel: Array) -> bool:
  # With few channels there is too little to multiply for the extra passes, and
  # in bfloat16 the transforms would lose a digit.
  exact = kernel.dtype in (jnp.float32, jnp.float64)
  return exact and kernel.shape[0] in (3, 5) and kernel.shape[2] >= 8


def _phases(x: Array, kernel: Array) -> Array:
  """As `_plain_phases`, for the CPU."""
  products = _product(*_factors(x, kernel), (2, 1))
  if _use_winograd(kernel):
    products = _combine(winograd(kernel.shape[0]).outputs, list(products))
  return products.reshape(4, kernel.shape[3], -1)


def _gradients(x: Array, kernel: Array, g: Array) -> tuple[Array, Array]:
  """As `_plain_gradients`, for the CPU."""
  (matrix, patches), pull = jax.vjp(_factors, x, kernel)
  g = g.reshape(-1, *matrix.shape[1:2], g.shape[2])
  if _use_winograd(kernel):
    g = _combine(winograd(kernel.shape[0]).outputs.T, list(g))
  return pull((_product(g, patches, (2, 2)), _product(matrix, g, (1, 1))))


def _product(a: Array, b: Array, axes: tuple[int, int]) -> Array:
  """One product of matrices an entry of the first axis."""
  contracted = (axes[:1], axes[1:])
  return lax.dot_general(a, b, (contracted, ((0,), (0,))))
