"""How far a filter is from the others of its layer."""

import numpy as np

from prunax.errors import InputError
from prunax.schedules.numbers import number
from prunax.shrinking.groups import Group
from prunax.shrinking.score import SCORES, Leaves, Score, kernels


def fpgm(leaves: Leaves, group: Group) -> np.ndarray:
  """The distances to all other filters, summed (He et al., FPGM, 2019).

  The least is nearest to the geometric median of the layer, so others can do
  its work. Layers are not comparable; the paper takes the same part of each,
  `scope='layer'`.
  """
  return _distances(kernels(leaves, group)).sum(1)


def _distances(rows: np.ndarray) -> np.ndarray:
  """[size, size] Euclidean distances."""
  squares = np.square(rows).sum(1)
  found = squares[:, None] + squares - 2 * rows @ rows.T
  np.fill_diagonal(found, 0)
  return np.sqrt(found.clip(0))


def fpgm_mix(norm_part: float = 0.1) -> Score:
  """FPGM-mix: some go by their norm, then others by distance (FPGM, 2019).

  The part `norm_part` of a layer's filters that has the least norms goes
  first; of the rest those of the least distances to the rest. The paper's cut
  of 40 %, 10 % by norm and 30 % by distance, is `fpgm_mix(0.1)` with
  `scope='layer'` and 60 % of the filters left.

  Args:
    norm_part: from 0 to 1, rounded down to whole filters.
  """
  if not 0 <= number('norm_part', norm_part) <= 1:
    raise InputError(
      f'norm_part must be from 0 to 1, got {norm_part!r}: mend it'
    )

  def score(leaves: Leaves, group: Group) -> np.ndarray:
    rows = kernels(leaves, group)
    by_norm = np.argsort(np.linalg.norm(rows, axis=1), kind='stable')
    n = int(norm_part * group.size)
    first, rest = by_norm[:n], np.sort(by_norm[n:])
    far = _distances(rows[rest]).sum(1)
    order = [*first, *rest[np.argsort(far, kind='stable')]]
    found = np.empty(group.size)
    found[order] = np.arange(group.size) / group.size
    return found

  return score


SCORES['fpgm'] = fpgm
