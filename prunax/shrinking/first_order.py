"""How much the loss changes without a channel, to first order."""

from typing import Any

import numpy as np

from prunax import averages, tree
from prunax.errors import InputError
from prunax.shrinking.groups import Group
from prunax.shrinking.score import Leaves, Score, slices


def taylor(gradients: Any, *, squared: bool = True) -> Score:
  """The change of the loss without a channel (Molchanov et al. 2019).

  (sum of w g)^2 over all that makes the channel: its filters, biases, and the
  scales and shifts of its norms; the sum is inside, as for the paper's gates.
  Layers are comparable.

  >>> import prunax
  >>> def apply(variables, x):
  ...   return x @ variables['a'] @ variables['b']
  >>> net = {'a': np.array([[1.0, 2.0], [3.0, 4.0]]), 'b': np.ones((2, 1))}
  >>> gradients = {'a': np.array([[1.0, 0.5], [-1.0, 0.5]])}
  >>> group = prunax.channels(apply, net, np.ones((1, 2)))[0]
  >>> taylor(gradients)(net, group).tolist()
  [4.0, 9.0]

  Args:
    gradients: the mean over the examples, a tree like the variables or a dict
      by the names of leaves.
    squared: else the magnitude of the sum.
  """
  by_name = tree.named_leaves(gradients)

  def score(leaves: Leaves, group: Group) -> np.ndarray:
    total = np.zeros(group.size)
    moved = dict(zip(leaves, averages.flags(list(leaves)), strict=True))
    for m in group.members:
      if moved[m.leaf]:
        continue
      _check(by_name, leaves, m.leaf)
      w = slices(leaves, group, m.leaf, m.axis)
      total += (w * slices(by_name, group, m.leaf, m.axis)).sum(1)
    return np.square(total) if squared else np.abs(total)

  return score


def _check(gradients: Leaves, leaves: Leaves, name: str) -> None:
  shape = np.shape(gradients[name]) if name in gradients else None
  if shape != leaves[name].shape:
    raise InputError(
      f'taylor must have a gradient of the shape {leaves[name].shape} for'
      f' {name!r}, got {shape}: give a tree like the variables'
    )
