"""Which weights stay: one function is one rule. In a mask, True is alive."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from prunax.ops import thresholds
from prunax.ops.wide import widened


def kept(density: jax.Array | float, size: int) -> jax.Array:
  """How many of `size` entries a density keeps: the nearest whole number.

  A density above 0 keeps at least one.

  >>> int(kept(0.25, 10)), int(kept(1.0, 7)), int(kept(0.01, 10))
  (2, 7, 1)
  """
  density = jnp.asarray(density, jnp.float32)
  nearest = jnp.round(density * size).astype(jnp.int32)
  return jnp.where(density > 0, jnp.maximum(nearest, min(size, 1)), nearest)


def magnitude(x: jax.Array, density: jax.Array | float) -> jax.Array:
  """The mask of the largest magnitudes of one array (Han et al. 2015).

  >>> magnitude(jnp.array([0.1, -3.0, 2.0, 0.5]), 0.5).tolist()
  [False, True, True, False]
  """
  return global_magnitude([x], density)[0]


def global_magnitude(
  arrays: Sequence[jax.Array], density: jax.Array | float
) -> list[jax.Array]:
  """Masks of the largest magnitudes over all arrays together.

  >>> a, b = jnp.array([0.1, 3.0]), jnp.array([2.0, 1.0])
  >>> [m.tolist() for m in global_magnitude([a, b], 0.5)]
  [[False, True], [True, False]]
  """
  size = sum(x.size for x in arrays)
  return thresholds.top_masks(arrays, kept(density, size))


def moments(arrays: Sequence[jax.Array]) -> tuple[jax.Array, jax.Array]:
  """Mean and population std of |x| over the non-zero entries of all arrays.

  The statistics behind the thresholds of Guo, Yao and Chen (2016), as they
  were released: a layer's weights and biases are pooled.

  >>> mean, std = moments([jnp.array([0.0, -1.0]), jnp.array([3.0])])
  >>> float(mean), float(std)
  (2.0, 1.0)
  """
  wide = [jnp.abs(widened(x)) for x in arrays]
  n = jnp.maximum(sum(jnp.sum(x != 0) for x in wide), 1)
  mean = sum(jnp.sum(x) for x in wide) / n
  squares = [jnp.where(x != 0, jnp.square(x - mean), 0) for x in wide]
  return mean, jnp.sqrt(sum(jnp.sum(s) for s in squares) / n)


def threshold(
  mean: jax.Array, std: jax.Array, c_rate: jax.Array | float
) -> jax.Array:
  """T = max(mean + c_rate * std, 0), a layer's threshold.

  >>> float(threshold(jnp.float32(2.0), jnp.float32(1.0), -3.0))
  0.0
  """
  return jnp.maximum(mean + c_rate * std, 0.0)


def hysteresis(
  x: jax.Array, mask: jax.Array, low: jax.Array, high: jax.Array
) -> jax.Array:
  """Prune at |x| <= low, splice back above high, else leave as it was.

  Guo, Yao and Chen (2016), Eq. 3.

  >>> x = jnp.array([0.1, 1.0, -1.0, 2.0])
  >>> mask = jnp.array([True, True, False, False])
  >>> hysteresis(x, mask, 0.9, 1.1).tolist()
  [False, True, False, True]
  """
  size = jnp.abs(x)
  # Written so that a NaN stays alive, where it is seen.
  return (mask | (size > high)) & ~(size <= low)


def exact_hysteresis(
  arrays: Sequence[jax.Array],
  masks: Sequence[jax.Array],
  count: jax.Array,
  low: float,
  high: float,
) -> list[jax.Array]:
  """The hysteresis whose threshold leaves exactly `count` entries alive.

  |x| > low T for the alive and |x| > high T for the pruned is |x| / low > T
  and |x| / high > T, so T is the count-th largest of these quotients.

  >>> x = jnp.array([1.0, 1.1, 0.2])
  >>> mask = jnp.array([True, False, True])
  >>> exact_hysteresis([x], [mask], jnp.int32(1), 0.9, 1.1)[0].tolist()
  [True, False, False]
  """
  quotients = [
    jnp.where(m, x.astype(jnp.float32) / low, x.astype(jnp.float32) / high)
    for x, m in zip(arrays, masks, strict=True)
  ]
  return thresholds.top_masks(quotients, count)


def gaussian_window(x: jax.Array, width: jax.Array | float) -> jax.Array:
  """Prune strictly inside mean +- width * std of the signed array, zeros too.

  The re-implementation's rule: under a normal law a width of 0.674, 0.994,
  1.281, 1.644, 1.959 prunes 50, 68, 80, 90, 95 %. It has no memory.

  >>> gaussian_window(jnp.array([-2.0, -0.1, 0.1, 2.0]), 1.0).tolist()
  [True, False, False, True]
  """
  wide = widened(x)
  mean, std = jnp.mean(wide), jnp.std(wide)
  inside = (wide > mean - width * std) & (wide < mean + width * std)
  return ~inside


def sparse_ratio(x: np.ndarray, ratio: float) -> np.ndarray:
  """The mask without the smallest `ratio` of the magnitudes, zeros included.

  As the code that was published with demonstrations of Deep Compression
  (may0324) has it, in single precision: of n entries the threshold is the
  int(n * ratio)-th smallest magnitude, and what equals it goes too. Where that
  is none, what is zero already stays so.

  >>> sparse_ratio(np.array([1.0, -3.0, 2.0, 1.0]), 0.25).tolist()
  [False, True, True, False]
  """
  magnitudes = np.abs(np.asarray(x))
  gone = int(np.float32(magnitudes.size) * np.float32(ratio))
  if not gone:
    return magnitudes != 0
  smallest = np.partition(magnitudes, gone - 1, axis=None)
  return magnitudes > smallest[gone - 1]
