"""How alike channels are, by what the next layer makes of them."""

import numpy as np

from prunax.errors import InputError

MEASURES = ('correlation', 'cosine', 'inner_product')
NORMALIZERS = ('max', 'l1', 'l2')

# As in the code that was published with the paper.
_EPSILON = 1e-8


def check(measure: str, normalize: str) -> None:
  """Refuses names that nobody knows."""
  for what, name, known in (
    ('measure', measure, MEASURES),
    ('normalize', normalize, NORMALIZERS),
  ):
    if name not in known:
      raise InputError(
        f'{what} must be one of {", ".join(known)}, got {name!r}: name one'
      )


def similarity(slices: np.ndarray, measure: str = 'correlation') -> np.ndarray:
  """The magnitude of how alike each two channels are, [c, c].

  Wang et al., COP (IJCAI 2019), section 3.1: the correlation of the weights
  that lead on from two channels, averaged over positions.

  Args:
    slices: [positions, c, out], the weights that lead on from each channel.
    measure: 'correlation', 'cosine' or 'inner_product'.
  """
  check(measure, 'max')
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


def likeness(
  slices: np.ndarray, measure: str = 'correlation', normalize: str = 'max'
) -> np.ndarray:
  """How alike each two different channels are, [c, c], comparable by layer.

  Args:
    slices: [positions, c, out], the weights that lead on from each channel.
    measure: 'correlation', 'cosine' or 'inner_product'.
    normalize: by the largest ('max'), half the sum ('l1') or the root of the
      sum of squares ('l2') of all.
  """
  check(measure, normalize)
  alike = similarity(slices, measure)
  np.fill_diagonal(alike, 0)
  if normalize == 'max':
    whole = alike.max()
  elif normalize == 'l1':
    whole = alike.sum() / 2
  else:
    whole = np.sqrt(np.square(alike).sum())
  return alike / whole if whole else alike


def among(alike: np.ndarray, alive: np.ndarray, top_k: int = 3) -> np.ndarray:
  """The mean of the largest likenesses to others that are alive, [c].

  >>> alike = np.array([[0.0, 1.0, 0.5], [1.0, 0.0, 0.2], [0.5, 0.2, 0.0]])
  >>> among(alike, np.array([True, True, True]), 1).tolist()
  [1.0, 1.0, 0.5]
  >>> among(alike, np.array([True, False, True]), 1).tolist()
  [0.5, 0.0, 0.5]

  Args:
    alike: [c, c], of `likeness`.
    alive: [c], which count; the others are given 0.
    top_k: how many others, or all that there are.
  """
  places = np.flatnonzero(alive)
  k = min(top_k, len(places) - 1)
  found = np.zeros(len(alive))
  if k > 0:
    # Never a channel's own.
    rows = alike[np.ix_(places, places)]
    np.fill_diagonal(rows, -1)
    found[places] = np.partition(rows, -k, 1)[:, -k:].mean(1)
  return found


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
    normalize: 'max', 'l1' or 'l2', as for `likeness`.
  """
  alike = likeness(slices, measure, normalize)
  return among(alike, np.ones(len(alike), bool), top_k)
