"""Few levels for one array, whose zeros stay."""

from typing import Any

import jax
import numpy as np

from prunax.ops import codebook

METHODS = ('exact', *codebook.STARTS)


def snapped(
  w: Any,
  k: int,
  method: str = 'exact',
  key: jax.Array | None = None,
  felt: Any = None,
  leaf: str = '',
) -> np.ndarray:
  """One array whose entries that are not 0 have at most k levels, not 0.

  >>> snapped(np.array([0.0, 1.0, 3.0, 8.0], np.float32), 2).tolist()
  [0.0, 2.0, 2.0, 8.0]

  Args:
    w: the array.
    k: the most levels; where there are no more distinct entries, exact ones
      are these.
    method: 'exact' k-means, or a start of Lloyd's.
    key: for method 'random'.
    felt: how much the error of each entry weighs, where it is exact.
    leaf: what an error calls the array, if it has a name.
  """
  found = np.array(w)
  alive = found != 0
  if not alive.any():
    return found
  values = found[alive]
  if method != 'exact':
    clusters = codebook.lloyd(values, k, method, key, leaf)
  elif found.dtype.kind in 'iu' and len(np.unique(values)) <= k:
    # A codebook could not hold those beyond 2^53.
    return found
  else:
    clusters = codebook.exact(values, k, _felt(felt, alive), leaf)
  found[alive] = codebook.kept_alive(values, clusters).snapped
  return found


def _felt(felt: Any, alive: np.ndarray) -> np.ndarray | None:
  """The weights of what is alive, or None for all the same."""
  weights = None if felt is None else np.asarray(felt)[alive]
  # What the loss feels nowhere is shared as if it felt all alike.
  return None if weights is None or not weights.any() else weights
