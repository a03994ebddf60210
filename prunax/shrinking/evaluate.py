"""The program of a model, run with what is left of its arrays."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jax.extend import core

from prunax.shrinking.atoms import Axes
from prunax.shrinking.control import RUN
from prunax.shrinking.program import Frame, Linker
from prunax.shrinking.rule import RULES, Cut, Kept, Step, results


class Remaining:
  """Runs frames with smaller arrays.

  Args:
    linker: that traced them.
    gone: the sets of atoms that are cut, by their least atom.
    added: by the mark of a product, what is added in place of what is cut.
  """

  def __init__(
    self, linker: Linker, gone: np.ndarray, added: Mapping[str, np.ndarray]
  ):
    self._linker = linker
    self._alive = np.ones(linker.size, bool)
    self._alive[gone] = False
    self._added = added

  def kept(self, axes: Axes) -> Kept:
    """What is left, axis by axis."""
    return tuple(self._linker.marked(self._alive, axis, True) for axis in axes)

  def cut(self, x: Any, axes: Axes) -> Any:
    """What is left of an array."""
    for k, mask in enumerate(self.kept(axes)):
      if not mask.all():
        x = x.take(np.flatnonzero(mask), k)
    return x

  def run(self, frame: Frame, values: Sequence[Any]) -> list[Any]:
    """The results of a frame whose inputs are cut already."""
    known: dict[Any, Any] = {}
    jaxpr = frame.jaxpr
    for var, x, axes in zip(
      jaxpr.constvars, frame.consts, frame.const_axes, strict=True
    ):
      known[var] = self.cut(x, axes)
    known.update(zip(jaxpr.invars, values, strict=True))
    for step in frame.steps:
      read = [
        self.cut(v.val, axes) if isinstance(v, core.Literal) else known[v]
        for v, axes in zip(step.eqn.invars, step.ins, strict=True)
      ]
      known.update(zip(step.eqn.outvars, self._step(step, read), strict=True))
    return [
      v.val if isinstance(v, core.Literal) else known[v] for v in jaxpr.outvars
    ]

  def _step(self, step: Step, values: list[Any]) -> list[Any]:
    ins = [self.kept(x) for x in step.ins]
    outs = [self.kept(x) for x in step.outs]
    if all(mask.all() for axes in (*ins, *outs) for mask in axes):
      found = results(step.eqn, values)
    else:
      cut = Cut(step, ins, outs)
      name = step.eqn.primitive.name
      if name in RUN:
        found = RUN[name](self.run, cut, values)
      else:
        found = RULES[name].bind(cut, values)
    if step.mark in self._added:
      found = [found[0] + self._left(step, outs[0])]
    return found

  def _left(self, step: Step, kept: Kept) -> np.ndarray:
    """What is added to a product, at the positions that are left."""
    added = self._added[str(step.mark)]
    for k, mask in enumerate(kept):
      if added.shape[k] == len(mask):
        added = added.take(np.flatnonzero(mask), k)
    return added
