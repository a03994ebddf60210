"""Training images changed at random: pure functions of a key and images."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from prunax import data
from prunax.errors import InputError

# A key and examples as stored -> what the model sees of them in training.
Augment = Callable[[jax.Array, jax.Array], jax.Array]

NAMES = ('crop_flip', 'cop')

# In grey levels, and as factors (Wang et al., COP, 2019).
_BRIGHTNESS, _CONTRAST = 63.0, (0.2, 1.8)


def crop_flip(key: jax.Array, x: jax.Array, pad: int = 4) -> jax.Array:
  """Images moved by up to `pad` pixels, and half of them mirrored.

  He et al. (2016), for CIFAR: zeros are put around an image, a window of its
  old size is cut out anywhere, and a coin says whether left and right change
  places.

  >>> x = jnp.ones((3, 8, 8, 1), jnp.uint8)
  >>> crop_flip(jax.random.key(0), x).shape
  (3, 8, 8, 1)

  Args:
    key: of the draws, which differ from image to image.
    x: [n, height, width, channels], of any type.
    pad: the zeros on each side.
  """
  n, height, width, _ = x.shape
  row_key, column_key, flip_key = jax.random.split(key, 3)
  top, left = (
    jax.random.randint(k, (n, 1), 0, 2 * pad + 1) for k in (row_key, column_key)
  )
  mirrored = jax.random.bernoulli(flip_key, shape=(n, 1))
  rows = top + jnp.arange(height)[None]
  along = jnp.arange(width)[None]
  columns = left + jnp.where(mirrored, width - 1 - along, along)
  padded = jnp.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
  images = jnp.arange(n)[:, None, None]
  return padded[images, rows[:, :, None], columns[:, None, :]]


def brightness(key: jax.Array, x: jax.Array, most: Any) -> jax.Array:
  """Adds to each image one number, drawn evenly between -most and most.

  >>> x = brightness(jax.random.key(0), jnp.zeros((3, 8, 8, 1)), 0.5)
  >>> bool(jnp.all(jnp.abs(x) <= 0.5)), len(jnp.unique(x))
  (True, 3)

  Args:
    key: of the draws.
    x: [n, height, width, channels], floating.
    most: a number, or one a channel, which scales the draw.
  """
  drawn = jax.random.uniform(key, (len(x), 1, 1, 1), x.dtype, -1, 1)
  return x + drawn * most


def contrast(
  key: jax.Array, x: jax.Array, lower: float, upper: float
) -> jax.Array:
  """Draws each image's pixels nearer to their mean or farther from it.

  Each channel keeps its mean; one factor an image, drawn evenly.

  >>> x = jnp.array([1.0, 3.0]).reshape(1, 2, 1, 1)
  >>> contrast(jax.random.key(0), x, 0.5, 0.5).ravel()
  Array([1.5, 2.5], dtype=float32)

  Args:
    key: of the draws.
    x: [n, height, width, channels], floating.
    lower: the least factor.
    upper: the largest.
  """
  mean = jnp.mean(x, (1, 2), keepdims=True)
  factor = jax.random.uniform(key, (len(x), 1, 1, 1), x.dtype, lower, upper)
  return mean + (x - mean) * factor


def named(name: str, scale: data.Scale, x: np.ndarray) -> Augment | None:
  """The augmentation of that name, which also scales.

  'crop_flip' is that function, before the scale, so that what is put around an
  image is black. 'cop' is COP's own way: brightness by up to 63 grey levels
  and contrast of 0.2 to 1.8 follow, after the scale, without a bound.

  >>> pixels = np.zeros((2, 8, 8, 3), np.uint8)
  >>> view = named('cop', data.scale, pixels)
  >>> view(jax.random.key(0), pixels).dtype
  dtype('float32')
  >>> named('', data.scale, pixels) is None
  True

  Args:
    name: one of NAMES, or '' for none.
    scale: of the examples.
    x: the examples as stored.
  """
  if not name:
    return None
  if name not in NAMES:
    raise InputError(
      f'data.augment must be one of {", ".join(NAMES)} or empty, got'
      f' {name!r}: mend the config'
    )
  if x.ndim != 4:
    raise InputError(
      f'data.augment={name} needs images [height, width, channels], got'
      f' examples of the shape {x.shape[1:]}: leave it empty'
    )
  if name == 'crop_flip':
    return lambda key, x: scale(crop_flip(key, x))
  if x.dtype != np.uint8:
    raise InputError(
      f'data.augment=cop needs uint8 images, since it counts in grey levels,'
      f' got {x.dtype}: use crop_flip'
    )

  def cop(key: jax.Array, x: jax.Array) -> jax.Array:
    crop_key, bright_key, contrast_key = jax.random.split(key, 3)
    seen = scale(crop_flip(crop_key, x))
    seen = brightness(bright_key, seen, _BRIGHTNESS * scale.unit)
    return contrast(contrast_key, seen, *_CONTRAST)

  return cop
