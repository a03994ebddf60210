"""Convolution of each channel by itself, fast on every backend.

XLA on the CPU has no fast grouped convolution: it takes a plain loop, 10 to 40
times slower than a sum of moved images, and its gradients another factor of
10. Elsewhere the convolution of the backend is the fast one.
"""

import functools

import jax
import jax.numpy as jnp
from jax import Array, lax

from prunax.ops.conv import LABELS


def _pads(size: int, window: int, stride: int) -> tuple[int, int, int]:
  """Zeros before and after, and the length of the result, of 'SAME'."""
  out = -(-size // stride)
  whole = max((out - 1) * stride + window - size, 0)
  return whole // 2, whole - whole // 2, out


def _views(x: Array, window: int, stride: int) -> list[list[Array]]:
  """What each entry of the window sees of the images, by row and column."""
  n, height, width, c = x.shape
  top, bottom, rows = _pads(height, window, stride)
  left, right, columns = _pads(width, window, stride)
  x = jnp.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))

  def view(i: int, j: int) -> Array:
    end = (n, i + (rows - 1) * stride + 1, j + (columns - 1) * stride + 1, c)
    return lax.slice(x, (0, i, j, 0), end, (1, stride, stride, 1))

  return [[view(i, j) for j in range(window)] for i in range(window)]


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def _moved(x: Array, kernel: Array, stride: int) -> Array:
  """The convolution as a sum of moved images."""
  window = len(kernel)
  views = _views(x, window, stride)
  terms = [
    view * kernel[i, j, 0]
    for i, along in enumerate(views)
    for j, view in enumerate(along)
  ]
  return functools.reduce(jnp.add, terms)


def _forward(
  x: Array, kernel: Array, stride: int
) -> tuple[Array, tuple[Array, Array]]:
  return _moved(x, kernel, stride), (x, kernel)


def _backward(
  stride: int, kept: tuple[Array, Array], g: Array
) -> tuple[Array, Array]:
  x, kernel = kept
  window = len(kernel)
  _, height, width, _ = x.shape
  # Between the entries of g lies what the stride left out; around it what the
  # padding added, so that the mirrored window gives every pixel its gradient.
  edges = []
  for size, out in ((height, g.shape[1]), (width, g.shape[2])):
    before, _, _ = _pads(size, window, stride)
    low = window - 1 - before
    edges.append((low, size + before - (out - 1) * stride - 1, stride - 1))
  wide = lax.pad(g, jnp.zeros((), g.dtype), [(0, 0, 0), *edges, (0, 0, 0)])
  terms = [
    wide[:, i : i + height, j : j + width] * kernel[~i, ~j, 0]
    for i in range(window)
    for j in range(window)
  ]
  views = _views(x, window, stride)
  sums = [[_summed(view * g) for view in along] for along in views]
  dx = functools.reduce(jnp.add, terms)
  return dx, jnp.stack([jnp.stack(row) for row in sums])[:, :, None]


def _summed(x: Array) -> Array:
  """[n, h, w, c] -> [c]; halves are added, since XLA sums along columns."""
  while len(x) > 1:
    half = len(x) // 2
    rest = x[2 * half :]
    x = x[:half] + x[half : 2 * half]
    x = jnp.concatenate([x[:1] + rest, x[1:]]) if len(rest) else x
  return jnp.sum(x, (0, 1, 2))


_moved.defvjp(_forward, _backward)


def _of_backend(x: Array, kernel: Array, stride: int) -> Array:
  return lax.conv_general_dilated(
    x,
    kernel,
    (stride, stride),
    'SAME',
    dimension_numbers=LABELS,
    feature_group_count=x.shape[-1],
  )


def depthwise(x: Array, kernel: Array, stride: int = 1) -> Array:
  """y[n,p,q,c] = sum_ij x[n,sp+i,sq+j,c] kernel[i,j,0,c], padded as 'SAME'.

  >>> y = depthwise(jnp.ones((1, 4, 4, 2)), jnp.ones((3, 3, 1, 2)))
  >>> y[0, 1].tolist()
  [[6.0, 6.0], [9.0, 9.0], [9.0, 9.0], [6.0, 6.0]]

  Args:
    x: images, [n, h, w, c].
    kernel: [k, k, 1, c].
    stride: s, along both axes.
  """
  return lax.platform_dependent(
    x,
    kernel,
    cpu=functools.partial(_moved, stride=stride),
    default=functools.partial(_of_backend, stride=stride),
  )
