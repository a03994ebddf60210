"""What a model costs, as a function of how many channels each group keeps."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from prunax.shrinking.atoms import Axis
from prunax.shrinking.groups import Group
from prunax.shrinking.model import Traced

BUDGETS = ('flops', 'params', 'bytes', 'filters')


class Term(NamedTuple):
  """The length of an axis: what always stays, and what each channel takes."""

  fixed: int
  taken: np.ndarray

  def length(self, counts: np.ndarray) -> float:
    return float(self.fixed + self.taken @ counts)


class Item(NamedTuple):
  """One product or leaf: the lengths of its axes, multiplied.

  Attributes:
    name: the leaf, or the leaf that a product multiplies with.
    terms: the axes.
    each: what one of it costs.
  """

  name: str
  terms: tuple[Term, ...]
  each: int

  def cost(self, counts: np.ndarray) -> float:
    return self.each * float(np.prod([t.length(counts) for t in self.terms]))


class Expense(NamedTuple):
  """One way of counting.

  Attributes:
    items: what is summed.
    counts: [groups] how many channels each has.
  """

  items: tuple[Item, ...]
  counts: np.ndarray

  def total(self, counts: np.ndarray | None = None) -> float:
    """The cost where each group keeps so many channels; all by default."""
    kept = self.counts if counts is None else counts
    return sum(item.cost(kept) for item in self.items)

  def by_name(self, counts: np.ndarray | None = None) -> dict[str, float]:
    """The same, leaf by leaf."""
    kept = self.counts if counts is None else counts
    found: dict[str, float] = {}
    for item in self.items:
      found[item.name] = found.get(item.name, 0) + item.cost(kept)
    return found


def expense(traced: Traced, groups: Sequence[Group], budget: str) -> Expense:
  """How a budget counts: 'flops', 'params', 'bytes' or 'filters'.

  Two FLOPs a multiplication of a convolution or a dot product, at the batch
  that was traced; bytes are those of the leaves.
  """
  counts = np.array([g.size for g in groups])
  owner = np.full(traced.linker.size, -1)
  for i, group in enumerate(groups):
    owner[group.atoms] = i

  def terms(axes: Sequence[Axis]) -> tuple[Term, ...]:
    return tuple(
      t for axis in axes for t in _terms(traced, owner, counts, axis)
    )

  if budget == 'filters':
    one = [Term(0, np.eye(len(groups))[i]) for i in range(len(groups))]
    items = [
      Item(g.id, (t,), 1)
      for g, t in zip(groups, one, strict=True)
      if g.prunable
    ]
  elif budget == 'flops':
    items = [
      Item(p.leaf, terms(p.terms), 2 * p.times) for p in traced.linker.products
    ]
  else:
    leaves = traced.frame.jaxpr.invars[: len(traced.names)]
    items = [
      Item(
        name,
        terms(axes),
        v.aval.dtype.itemsize if budget == 'bytes' else 1,
      )
      for name, axes, v in zip(traced.names, traced.axes, leaves, strict=True)
    ]
  return Expense(tuple(items), counts)


def _terms(
  traced: Traced, owner: np.ndarray, counts: np.ndarray, axis: Axis
) -> list[Term]:
  columns = [axis] if axis.ndim == 1 else list(axis.T)
  found = []
  whole = len(axis)
  for column in columns:
    roots = traced.linker.find(column)
    if axis.ndim == 2:
      # Merged axes count one by one, each by its own positions.
      roots = np.unique(roots)
      whole //= max(len(roots), 1)
    groups = owner[roots]
    taken = np.bincount(groups[groups >= 0], minlength=len(counts))
    found.append(Term(int((groups < 0).sum()), taken / np.maximum(counts, 1)))
  if axis.ndim == 2:
    found.append(Term(whole, np.zeros(len(counts))))
  return found
