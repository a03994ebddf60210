"""How little others can do the work of a channel: COP."""

import re

import numpy as np

from prunax.errors import InputError
from prunax.ops import redundancy
from prunax.schedules.numbers import number, whole
from prunax.shrinking.groups import Group, Member
from prunax.shrinking.score import SCORES, Leaves
from prunax.shrinking.successive import Rescore, Successive


def cop(
  measure: str = 'correlation',
  top_k: int = 3,
  normalize: str = 'max',
  *,
  alpha: float = 1.0,
  beta: float = 0.0,
  gamma: float = 0.0,
  without: str | None = None,
) -> Successive:
  """How little others can do the work of a channel (Wang et al., COP, 2019).

  alpha (1 - redundancy) + beta (1 - c) + gamma (1 - p): redundancy is that of
  a channel among those that are left, the mean over the layers that it leads
  to; c and p are the logarithms of the FLOPs and parameters of the layers that
  it is made in and leads to, divided by the largest. All are found anew
  whenever a channel goes. Layers are comparable.

  Args:
    measure: 'correlation', 'cosine' or 'inner_product'.
    top_k: of how many others.
    normalize: 'max', 'l1' or 'l2', layer by layer.
    alpha: how much redundancy counts.
    beta: how much FLOPs count.
    gamma: how much parameters count.
    without: a pattern of leaves; where a channel leads to several layers,
      those are left out of the mean.
  """
  for name, weight in (('alpha', alpha), ('beta', beta), ('gamma', gamma)):
    number(name, weight, 0)
  whole('top_k', top_k, 1)
  redundancy.check(measure, normalize)
  left_out = _pattern(without)

  def start(leaves: Leaves, group: Group) -> Rescore:
    alike = [
      redundancy.likeness(
        _onward(leaves, group, m.leaf, m.axis), measure, normalize
      )
      for m in _read_by(group, left_out)
    ]

    def rescore(alive: np.ndarray) -> np.ndarray:
      found = [redundancy.among(x, alive, top_k) for x in alike]
      return alpha * (1 - np.mean(found, axis=0))

    return rescore

  weights = {'cop_flops': beta, 'cop_params': gamma}
  return Successive(start, {k: w for k, w in weights.items() if w})


def _pattern(text: str | None) -> re.Pattern[str] | None:
  try:
    return None if text is None else re.compile(text)
  except (re.error, TypeError):
    raise InputError(
      f'without must be a regular expression, got {text!r}: mend it'
    ) from None


def _read_by(group: Group, without: re.Pattern[str] | None) -> list[Member]:
  """The layers that a channel leads to, as far as they count."""
  if not group.consumers:
    raise InputError(
      f'cop must have a layer that {group.id!r} leads to, got none: take'
      ' another score, or None for it by a rule'
    )
  if without is None:
    return list(group.consumers)
  counted = [m for m in group.consumers if not without.fullmatch(m.leaf)]
  return counted or list(group.consumers)


def _onward(leaves: Leaves, group: Group, leaf: str, axis: int) -> np.ndarray:
  """[positions, size, out]: the weights that lead on from each channel."""
  x = np.moveaxis(np.asarray(leaves[leaf], np.float64), axis, 0)
  # [size, block, ..., out]; the places of a channel count as positions.
  x = x[group.places[leaf, axis]]
  return np.moveaxis(x.reshape(group.size, -1, x.shape[-1]), 0, 1)


SCORES['cop'] = cop()
