"""How alike channels are, by what the next layer makes of them."""

import numpy as np

from prunax.errors import InputError

MEASURES = ('correlation', 'cosine', 'inner_product')
NORMALIZERS = ('max', 'l1', 'l2')

# As in the code that was published with the paper.
_EPSILON = 1e-8


def similarity(slices: np.ndarray, measure: str = 'correlation') -> np.ndarray:
  """The magnitude of how alike each two channels are, [c, c].

  Wang et al., COP (IJCAI 2019), section 3.1: the correlation of the weights
  that lead on from two channels, averaged over positions.

  Args:
    slices: [positions, c, out], the weights that lead on from each channel.
    measure: 'correlation', 'cosine' or 'inner_product'.
  """
  if measure not in MEASURES:
    raise InputError(
      f'measure must be one of {", ".join(MEASURES)}, got {measure!r}: name one'
    )
  x = np.asarray(slices, np.float64)
  if measure == 'correlation':
    x = x - x.mean(-1, keepdims=True)
  products = x @ x.swapaxes(1, 2)
  if measure == 'inner_product':
    return np.abs(products).mean(0)
  size = np.sqrt(np.square(x).sum(-1))
  if measure == 'correlation':
    # Population statistics: means of products over means of squares.
    products, size = products / x.shape[-1], size / np.sqrt(x.shape[-1])
  both = size[:, :, None] * size[:, None, :]
  return np.abs(products / (both + _EPSILON)).mean(0)


def redundancy(
  slices: np.ndarray,
  measure: str = 'correlation',
  top_k: int = 3,
  normalize: str = 'max',
) -> np.ndarray:
  """How well others can do the work of each channel, [c], from 0 up.

  Wang et al., COP (IJCAI 2019), section 3.1: the mean of the `top_k` largest
  similarities to others, of all there are where there are fewer, divided by
  one number a layer, so that layers can be compared.

  >>> rows = np.array([[[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [1.0, -1.0, 1.0]]])
  >>> redundancy(rows, top_k=1).round(3).tolist()
  [1.0, 1.0, 0.0]

  Args:
    slices: [positions, c, out], the weights that lead on from each channel.
    measure: 'correlation', 'cosine' or 'inner_product'.
    top_k: how many others.
    normalize: by the largest ('max'), half the sum ('l1') or the root of the
      sum of squares ('l2') of all similarities of two different channels.
  """
  if normalize not in NORMALIZERS:
    raise InputError(
      f'normalize must be one of {", ".join(NORMALIZERS)}, got {normalize!r}:'
      ' name one'
    )
  alike = similarity(slices, measure)
  n = len(alike)
  if n == 1:
    return np.zeros(1)
  others = alike[~np.eye(n, dtype=bool)].reshape(n, n - 1)
  if normalize == 'max':
    whole = others.max()
  elif normalize == 'l1':
    whole = others.sum() / 2
  else:
    whole = np.sqrt(np.square(others).sum())
  most = np.sort(others, 1)[:, ::-1][:, :top_k]
  return most.mean(1) / whole if whole else np.zeros(n)
