"""Channels whose responses others have too: Principal Filter Analysis.

The paper (Suau et al., Principal Filter Analysis for Guided Network
Compression, 2018) comes with no code; what stands here is our reading of it.
"""

import numpy as np

from prunax.errors import InputError
from prunax.shrinking.groups import Group
from prunax.shrinking.receiving import Responses, of_group
from prunax.shrinking.score import Leaves, Score


def spectrum(x: np.ndarray) -> np.ndarray:
  """The eigenvalues of the covariance of responses, largest first, of sum 1.

  >>> spectrum(np.array([[1.0, 0.0], [-1.0, 0.0]])).tolist()
  [1.0, 0.0]

  Args:
    x: [examples, size].
  """
  x = np.asarray(x, np.float64)
  centred = x - x.mean(0)
  # The shorter side has all that are not 0.
  few = centred if len(x) < x.shape[1] else centred.T
  values = np.zeros(x.shape[1])
  values[: len(few)] = np.linalg.eigvalsh(few @ few.T)[::-1].clip(0)
  if not values.sum():
    # Constants: one stands for all.
    values[0] = 1
  return values / values.sum()


def drop_order(x: np.ndarray) -> np.ndarray:
  """The channels in the order in which they are dropped, the last stays on.

  The one that is most correlated with all that are left goes, by the sum of
  the magnitudes; constants go first.

  >>> x = np.array([[0, 0, 0, 7], [1, 3, 0, 7], [3, 3, 0, 7], [0, 2, 5, 7]])
  >>> drop_order(x).tolist()
  [3, 0, 1, 2]

  Args:
    x: [examples, size].
  """
  x = np.asarray(x, np.float64)
  centred = x - x.mean(0)
  size = np.linalg.norm(centred, axis=0)
  # What rounding leaves of a constant has no correlation.
  constant = size <= 1e-6 * np.linalg.norm(x, axis=0)
  unit = np.where(constant, 0, centred / np.where(constant, 1, size))
  shared = np.abs(unit.T @ unit)
  np.fill_diagonal(shared, 0)
  order, left = np.flatnonzero(constant).tolist(), ~constant
  while left.any():
    worst = int(np.argmax(np.where(left, shared.sum(0), -1)))
    order.append(worst)
    left[worst] = False
    # Nothing is correlated with it any more.
    shared[worst] = shared[:, worst] = 0
  return np.array(order)


def pfa_energy(responses: Responses) -> Score:
  """How much energy of a layer's responses it takes to keep a channel (PFA-En).

  Our reading of Suau et al. 2018. A layer that keeps k channels has the k
  largest eigenvalues of the responses' covariance, and their part of the sum is
  its energy; which channels go says `drop_order`. The score of the k-th that is
  kept is 1 less the energy of k-1, so channels above 1-e are the fewest of
  energy e, and a global threshold is one energy for all layers.

  >>> import prunax
  >>> def apply(variables, x):
  ...   return x @ variables['a'] @ variables['b']
  >>> net = {'a': np.array([[1.0, 2.0, 0.0], [0.0, 0.1, 1.0]])}
  >>> net['b'] = np.ones((3, 1))
  >>> x = np.array([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
  >>> group = prunax.channels(apply, net, x)[0]
  >>> abs(pfa_energy({'a': x @ net['a']})(net, group).round(2)).tolist()
  [0.17, 0.0, 1.0]

  Args:
    responses: of all groups that it is asked for, by `responses`.
  """
  known: dict[str, np.ndarray] = {}

  def score(leaves: Leaves, group: Group) -> np.ndarray:
    del leaves
    if group.id not in known:
      x = _checked(of_group(responses, group, 'pfa_energy'), group.id)
      known[group.id] = _energies(x)
    return known[group.id]

  return score


def _energies(x: np.ndarray) -> np.ndarray:
  parts = spectrum(x)
  found = np.empty(len(parts))
  before = np.concatenate([[0.0], np.cumsum(parts)[:-1]])
  # Where no energy is left, those that were dropped later still come before.
  found[drop_order(x)[::-1]] = 1 - before - 1e-12 * np.arange(len(parts))
  return found


def pfa_kl(responses: Responses) -> dict[str, np.ndarray]:
  """By group which channels stay, with no budget to give (PFA-KL).

  Our reading of Suau et al. 2018. What stays is 1 less the divergence of the
  normalized eigenvalues of the responses' covariance from the uniform
  distribution, KL / log(size): all where no two responses are correlated, and
  one where all are. Which ones says `drop_order`.

  >>> x = np.array([[1.0, 1.0, 2.0], [0.0, 0.0, 0.0]])
  >>> {name: mask.tolist() for name, mask in pfa_kl({'a': x}).items()}
  {'a': [False, False, True]}

  Args:
    responses: by `responses`.

  Returns:
    What `shrink` takes as `keep`.
  """
  found = {}
  for name, given in responses.items():
    x = _checked(np.asarray(given), name)
    n = x.shape[1]
    stays = max(1, round(n * (1 - divergence(spectrum(x)))))
    found[name] = np.zeros(n, bool)
    found[name][drop_order(x)[n - stays :]] = True
  return found


def divergence(parts: np.ndarray) -> float:
  """KL(parts || uniform) / log(size), from 0 to 1.

  >>> divergence(np.array([1.0, 0.0])), divergence(np.array([0.5, 0.5]))
  (1.0, 0.0)
  """
  some = parts[parts > 0]
  if len(parts) == 1:
    return 0.0
  return float(np.sum(some * np.log(some * len(parts))) / np.log(len(parts)))


def _checked(x: np.ndarray, name: str) -> np.ndarray:
  if x.ndim != 2 or len(x) < 2 or not np.isfinite(x).all():
    raise InputError(
      f'the responses of {name!r} must be finite numbers of two examples at'
      f' least, [examples, size], got the shape {x.shape}: give more examples'
    )
  return x
