"""2-D convolution whose gradients stay fast inside compiled loops on the CPU.

XLA on the CPU has a fast convolution for one arrangement of the axes only:
images NHWC, kernels HWIO. Outside of a loop it rearranges the two gradient
convolutions to fit; in the body of a `scan`, `while` or `map` it does not, and
they run 10 to 100 times slower. It also takes its slow way where the window is
larger than the image before padding. The functions here state the same
equations in the arrangement that is always fast.
"""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

Pair = tuple[int, int]
Pads = tuple[Pair, Pair]

LABELS = ('NHWC', 'HWIO', 'NHWC')


def conv(
  x: Array,
  kernel: Array,
  strides: Pair = (1, 1),
  padding: str | Sequence[Pair] = 'VALID',
) -> Array:
  """Cross-correlation, y[n,p,q,o] = sum_ijc x[n,sp+i,sq+j,c] kernel[i,j,c,o].

  >>> conv(jnp.ones((1, 4, 4, 2)), jnp.ones((3, 3, 2, 5))).shape
  (1, 2, 2, 5)

  Args:
    x: images, [n, h, w, c].
    kernel: [kh, kw, c, o].
    strides: s along the height and along the width.
    padding: 'VALID', 'SAME', or the zeros before and after along either.
  """
  return conv_general_dilated(
    x, kernel, strides, padding, dimension_numbers=LABELS
  )


def conv_general_dilated(
  lhs: Array,
  rhs: Array,
  window_strides: Sequence[int],
  padding: str | Sequence[Pair],
  lhs_dilation: Sequence[int] | None = None,
  rhs_dilation: Sequence[int] | None = None,
  dimension_numbers: Any = None,
  feature_group_count: int = 1,
  batch_group_count: int = 1,
  **rest: Any,
) -> Array:
  """`jax.lax.conv_general_dilated` with gradients that are fast in a loop.

  It takes the same arguments and equals it, so it can be handed to `nnx.Conv`
  and `linen.Conv` as `conv_general_dilated=`. Only 2-D convolutions of NHWC
  images by HWIO kernels, in one group and without dilation of the image,
  differ inside; any other is left to `jax.lax`.

  >>> from flax import nnx
  >>> fast = {'conv_general_dilated': conv_general_dilated}
  >>> layer = nnx.Conv(1, 4, (3, 3), rngs=nnx.Rngs(0), **fast)
  >>> layer(jnp.ones((2, 8, 8, 1))).shape
  (2, 8, 8, 4)
  """
  plain = (
    lhs.ndim == 4
    and lhs.dtype == rhs.dtype
    and feature_group_count == batch_group_count == 1
    and all(d == 1 for d in lhs_dilation or ())
    and all(value is None for value in rest.values())
    and lax.conv_dimension_numbers(lhs.shape, rhs.shape, dimension_numbers)
    == lax.conv_dimension_numbers(lhs.shape, rhs.shape, LABELS)
  )
  if not plain:
    return lax.conv_general_dilated(
      lhs,
      rhs,
      window_strides,
      padding,
      lhs_dilation,
      rhs_dilation,
      dimension_numbers,
      feature_group_count,
      batch_group_count,
      **rest,
    )
  dilation = _pair(rhs_dilation or (1, 1))
  if isinstance(padding, str):
    window = [
      d * (k - 1) + 1 for d, k in zip(dilation, rhs.shape[:2], strict=True)
    ]
    padding = lax.padtype_to_pads(
      lhs.shape[1:3], window, window_strides, padding
    )
  rows, columns = padding
  return _conv(
    lhs, rhs, _pair(window_strides), (_pair(rows), _pair(columns)), dilation
  )


def _pair(values: Sequence[int]) -> Pair:
  first, second = values
  return int(first), int(second)


def _window_is_larger(x: Array, kernel: Array) -> bool:
  return any(h < k for h, k in zip(x.shape[1:3], kernel.shape[:2], strict=True))


def _im2col(
  x: Array, kernel: Array, strides: Pair, padding: Pads, dilation: Pair
) -> Array:
  """The same convolution as one product of patches and kernel."""
  x = jnp.pad(x, ((0, 0), *padding, (0, 0)))
  kh, kw = kernel.shape[:2]

  def tap(axis: int, y: Array, i: int, k: int) -> Array:
    s, d = strides[axis], dilation[axis]
    stop = y.shape[axis + 1] - d * (k - 1 - i)
    return lax.slice_in_dim(y, d * i, stop, s, axis + 1)

  taps = [tap(1, tap(0, x, i, kh), j, kw) for i in range(kh) for j in range(kw)]
  patches = jnp.stack(taps, 3)
  flat = kernel.reshape(-1, *kernel.shape[2:])
  return jnp.tensordot(patches, flat, axes=2)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4))
def _conv(
  x: Array, kernel: Array, strides: Pair, padding: Pads, dilation: Pair
) -> Array:
  if _window_is_larger(x, kernel):
    return _im2col(x, kernel, strides, padding, dilation)
  return lax.conv_general_dilated(
    x, kernel, strides, padding, None, dilation, LABELS
  )


def _conv_fwd(
  x: Array, kernel: Array, strides: Pair, padding: Pads, dilation: Pair
) -> tuple[Array, tuple[Array, Array]]:
  return _conv(x, kernel, strides, padding, dilation), (x, kernel)


def _conv_bwd(
  strides: Pair,
  padding: Pads,
  dilation: Pair,
  saved: tuple[Array, Array],
  g: Array,
) -> tuple[Array, Array]:
  x, kernel = saved
  # Both gradients are convolutions too, with g as the image or as the window.
  if any(
    _window_is_larger(image, window)
    for image, window in ((x, kernel), (g, kernel), (x, g.swapaxes(0, 1)))
  ):
    same = functools.partial(
      _im2col, strides=strides, padding=padding, dilation=dilation
    )
    return jax.vjp(same, x, kernel)[1](g)
  for_x, for_kernel = [], []
  for h, k, p, s, d, (low, _) in zip(
    x.shape[1:3],
    kernel.shape[:2],
    g.shape[1:3],
    strides,
    dilation,
    padding,
    strict=True,
  ):
    reach, last = d * (k - 1), s * (p - 1)
    for_x.append((reach - low, h - 1 - last + low))
    for_kernel.append((low, reach + last + 1 - h - low))
  dx = lax.conv_general_dilated(
    g,
    kernel[::-1, ::-1].swapaxes(2, 3),
    (1, 1),
    for_x,
    strides,
    dilation,
    LABELS,
  )
  # The channels of x play the batch and the batch plays the channels.
  dkernel = lax.conv_general_dilated(
    x.transpose(3, 1, 2, 0),
    g.transpose(1, 2, 0, 3),
    dilation,
    for_kernel,
    None,
    strides,
    LABELS,
  )
  return dx, dkernel.transpose(1, 2, 0, 3)


_conv.defvjp(_conv_fwd, _conv_bwd)
