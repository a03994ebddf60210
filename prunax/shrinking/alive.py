"""The most memory that a program's values take at once."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from prunax.shrinking.expense import Item, terms_of
from prunax.shrinking.groups import Group
from prunax.shrinking.lifetimes import Course
from prunax.shrinking.model import Traced


class Memory(NamedTuple):
  """What a model's values take beside its variables, in bytes.

  Attributes:
    peak: of all values that are alive at once, the most.
    activations: of all that convolutions and dot products give, which
      training keeps.
  """

  peak: float
  activations: float


class Living(NamedTuple):
  """All values of a program.

  Attributes:
    items: what each takes.
    born: [values] the moment from which it is there.
    last: [values] the last one at which it is.
    counts: [groups] how many channels each has.
  """

  items: tuple[Item, ...]
  born: np.ndarray
  last: np.ndarray
  counts: np.ndarray

  def peak(self, counts: np.ndarray | None = None) -> float:
    """The most at once where each group keeps so many; all by default."""
    if not self.items:
      return 0.0
    kept = self.counts if counts is None else counts
    costs = np.array([item.cost(kept) for item in self.items])
    change = np.zeros(int(self.last.max()) + 2)
    np.add.at(change, self.born, costs)
    np.add.at(change, self.last + 1, -costs)
    return float(np.cumsum(change).max())


def living(traced: Traced, groups: Sequence[Group]) -> Living:
  """The values of a model's program, as it runs in order.

  An input or what an equation gives is alive until it is read last. All of
  what it reads and gives is there at once: nothing is done in place, and
  nothing is fused.
  """
  course, frame = Course(), traced.frame
  n = len(traced.names)
  given = course.made(frame.jaxpr.invars[n:], frame.ins[n:])
  course.read(course.run(frame, [*[None] * n, *given]))
  terms = terms_of(traced, groups)
  return Living(
    tuple(Item('', terms(v.axes), v.width) for v in course.values),
    np.array([v.born for v in course.values], np.int64),
    np.array([v.last for v in course.values], np.int64),
    np.array([g.size for g in groups]),
  )
