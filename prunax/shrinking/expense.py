"""What a model costs, as a function of how many channels each group keeps."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from prunax import averages
from prunax.shrinking.atoms import Axis
from prunax.shrinking.groups import Group, summed
from prunax.shrinking.model import Traced

# What is summed leaf by leaf.
BY_LEAF = (
  'flops',
  'params',
  'bytes',
  'activations',
  'cop_flops',
  'cop_params',
  'cop_inputs',
)
BUDGETS = ('flops', 'params', 'bytes', 'filters', *BY_LEAF[3:])


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


Terms = Callable[[Sequence[Axis]], tuple[Term, ...]]


def terms_of(traced: Traced, groups: Sequence[Group]) -> Terms:
  """How long axes are, by how many channels the groups keep."""
  counts = np.array([g.size for g in groups])
  owner = np.full(traced.linker.size, -1)
  for i, group in enumerate(groups):
    owner[group.atoms] = i

  def terms(axes: Sequence[Axis]) -> tuple[Term, ...]:
    return tuple(
      t for axis in axes for t in _terms(traced, owner, counts, axis)
    )

  return terms


def expense(traced: Traced, groups: Sequence[Group], budget: str) -> Expense:
  """How a budget counts.

  'flops' are two for each multiplication of a convolution or a dot product,
  at the batch that was traced; 'activations' are the bytes of what these give
  there. 'params' are the weights, without running averages, 'bytes' those of
  all leaves; 'filters' the channels that may be cut.

  'cop_params' and 'cop_flops' are counted as COP's authors do, from
  convolutions and dot products with a leaf alone: kh * kw * in * out + out of
  each, with a bias whether it has one or not, and no norm's; two for each
  multiplication. 'cop_inputs' are the channels that these layers read, those
  of images too, which is what a part of the filters is of there.
  """
  counts = np.array([g.size for g in groups])
  if budget == 'filters':
    one = [Term(0, row) for row in np.eye(len(groups))]
    items = [
      Item(g.id, (t,), 1)
      for g, t in zip(groups, one, strict=True)
      if g.prunable
    ]
    return Expense(tuple(items), counts)
  items = _ITEMS[budget](traced, terms_of(traced, groups))
  return Expense(tuple(items), counts)


def _flops(traced: Traced, terms: Terms) -> list[Item]:
  return [
    Item(p.leaf, terms(p.terms), 2 * p.times) for p in traced.linker.products
  ]


def _activations(traced: Traced, terms: Terms) -> list[Item]:
  return [
    Item(p.leaf, terms(p.gives), p.width * p.times)
    for p in traced.linker.products
  ]


def _params(traced: Traced, terms: Terms) -> list[Item]:
  found = averages.flags(traced.names)
  return [
    Item(name, terms(axes), 1)
    for name, axes, average in zip(
      traced.names, traced.axes, found, strict=True
    )
    if not average
  ]


def _bytes(traced: Traced, terms: Terms) -> list[Item]:
  leaves = traced.frame.jaxpr.invars[: len(traced.names)]
  return [
    Item(name, terms(axes), v.aval.dtype.itemsize)
    for name, axes, v in zip(traced.names, traced.axes, leaves, strict=True)
  ]


def _cop_flops(traced: Traced, terms: Terms) -> list[Item]:
  return [item for item in _flops(traced, terms) if item.name]


def _cop_params(traced: Traced, terms: Terms) -> list[Item]:
  axes = dict(zip(traced.names, traced.axes, strict=True))
  # A leaf that is used twice is one layer.
  layers = {p.leaf: p for p in reversed(traced.linker.products) if p.leaf}
  items = []
  for name, p in layers.items():
    size = math.prod(len(axis) for axis in axes[name])
    # Layers that lie in one leaf have a bias each.
    copies = max(size // max(p.entries, 1), 1)
    items += [
      Item(name, terms(axes[name]), 1),
      Item(name, terms(p.outputs), copies),
    ]
  return items


def _cop_inputs(traced: Traced, terms: Terms) -> list[Item]:
  axes = dict(zip(traced.names, traced.axes, strict=True))
  layers = {p.leaf for p in traced.linker.products if p.leaf}
  read: dict[str, Axis] = {}
  for name, k in sorted(summed(traced)):
    axis = axes[name][k]
    # A window may be summed over too, but it is shorter.
    if name in layers and len(axis) >= len(read.get(name, ())):
      read[name] = axis
  return [Item(name, terms([axis]), 1) for name, axis in read.items()]


_ITEMS: dict[str, Callable[[Traced, Terms], list[Item]]] = {
  'flops': _flops,
  'params': _params,
  'bytes': _bytes,
  'activations': _activations,
  'cop_flops': _cop_flops,
  'cop_params': _cop_params,
  'cop_inputs': _cop_inputs,
}


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
