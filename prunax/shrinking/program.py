"""A program with its positions: traced once, then cut or looked through."""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from jax.extend import core

from prunax.shrinking import products
from prunax.shrinking.atoms import Atoms, Axes, Axis, fixed_axes
from prunax.shrinking.rule import RULES, Eqn, Step


class Product(NamedTuple):
  """What a product costs.

  Attributes:
    leaf: the name of the leaf that it multiplies with, or ''.
    terms: axes whose lengths, multiplied, count the multiplications.
    times: how often it runs.
    gives: the axes of its result.
    width: bytes of an entry of its result.
    outputs: the axes that a bias of it would have.
    entries: of what the leaf makes of itself for it.
  """

  leaf: str
  terms: tuple[Axis, ...]
  times: int
  gives: Axes
  width: int
  outputs: tuple[Axis, ...]
  entries: int


class Frame(NamedTuple):
  """A traced program, or one that another runs.

  Attributes:
    jaxpr: as JAX has it.
    consts: the values of its constants.
    const_axes: their axes.
    ins: the axes of its inputs.
    outs: the axes of its results.
    steps: its equations in order.
  """

  jaxpr: Any
  consts: Sequence[Any]
  const_axes: list[Axes]
  ins: list[Axes]
  outs: list[Axes]
  steps: list[Step]


class Given(NamedTuple):
  """What is known of an operand before a program runs.

  Attributes:
    axes: its axes.
    leaf: the name of the leaf that it is made of, and nothing else; or None.
    leaves: the names of all that it is made of, or None if of an input, too.
  """

  axes: Axes
  leaf: str | None = None
  leaves: frozenset[str] | None = None


Nested = Callable[
  ['Linker', Eqn, list[Given]], tuple[list[Given], Sequence[Any]]
]
NESTED: dict[str, Nested] = {}


class Linker(Atoms):
  """Follows a program and joins the positions that it makes one.

  Attributes:
    products: all products, in the order of the program.
    unknown: the primitives met that have no rule.
    summed: axes of leaves that a product sums over.
    made: axes of leaves that are shown otherwise than summed over.
    in_rule: whether this is a rule of gradients, and not the program itself.
  """

  def __init__(self) -> None:
    super().__init__()
    self.products: list[Product] = []
    self.unknown: list[str] = []
    self.summed: list[Axis] = []
    self.made: list[Axis] = []
    self._marks: dict[str, int] = {}
    self._times = 1
    self.in_rule = False

  def repeated(self, times: int, run: Callable[[], Any]) -> Any:
    """What `run` gives; its products count so often, from 0 up."""
    before, self._times = self._times, times * self._times
    try:
      return run()
    finally:
      self._times = before

  def ruled(self, run: Callable[[], Any]) -> Any:
    """What `run` gives, which is a rule of gradients."""
    before, self.in_rule = self.in_rule, True
    try:
      return self.repeated(0, run)
    finally:
      self.in_rule = before

  def trace(
    self, closed: Any, given: Sequence[Given]
  ) -> tuple[Frame, list[Given]]:
    """The frame of a closed jaxpr, and what it gives."""
    jaxpr = closed.jaxpr
    known: dict[Any, Given] = {}
    const_axes = [
      tuple(self.fresh(n) for n in np.shape(value)) for value in closed.consts
    ]
    for var, axes in zip(jaxpr.constvars, const_axes, strict=True):
      known[var] = Given(axes, None, frozenset())
    known.update(zip(jaxpr.invars, given, strict=True))

    def read(var: Any) -> Given:
      if isinstance(var, core.Literal):
        axes = tuple(self.fresh(n) for n in np.shape(var.val))
        return Given(axes, None, frozenset())
      return known[var]

    steps = []
    for eqn in jaxpr.eqns:
      step, made = self._step(eqn, [read(v) for v in eqn.invars])
      steps.append(step)
      known.update(zip(eqn.outvars, made, strict=True))
    outs = [read(v) for v in jaxpr.outvars]
    frame = Frame(
      jaxpr,
      closed.consts,
      const_axes,
      [g.axes for g in given],
      [g.axes for g in outs],
      steps,
    )
    return frame, outs

  def _step(self, eqn: Eqn, given: list[Given]) -> tuple[Step, list[Given]]:
    name = eqn.primitive.name
    ins = [g.axes for g in given]
    if name in NESTED:
      made, inner = NESTED[name](self, eqn, given)
      return Step(eqn, ins, [g.axes for g in made], inner), made
    rule = RULES.get(name)
    outs = rule.link(self, eqn, ins) if rule else self._refused(eqn, ins)
    leaves = {
      g.leaf for g, v in zip(given, eqn.invars, strict=True) if _array(v)
    }
    leaf = leaves.pop() if len(leaves) == 1 else None
    of = of_leaves(given)
    mark = None
    if name in products.PRODUCTS:
      self._note_sums(eqn, given, of)
      mark = self._marked(eqn, given, ins, outs)
    if of:
      outs = [self._as_in_leaves(given, x) for x in outs]
    elif of is None and name not in products.PRODUCTS and not self.in_rule:
      self.made += [x for g in given if g.leaves for x in g.axes]
    return Step(eqn, ins, outs, (), mark), [Given(x, leaf, of) for x in outs]

  def _as_in_leaves(self, given: list[Given], axes: Axes) -> Axes:
    """The same positions by the atoms of leaves, not of what meets them."""
    found = list(axes)
    for g in given:
      if not g.leaves or len(g.axes) != len(axes):
        continue
      for k, own in enumerate(g.axes):
        if np.array_equal(self.find(own), self.find(axes[k])):
          found[k] = own
    return tuple(found)

  def _note_sums(
    self, eqn: Eqn, given: list[Given], of: frozenset[str] | None
  ) -> None:
    """Of two leaves the first makes what the second one sums over."""
    if self.in_rule:
      return
    both = all(g.leaves for g in given)
    for i, g in enumerate(given):
      if not g.leaves:
        continue
      summed = {x.axes[i] for x in products.sums(eqn)}
      for k, axis in enumerate(g.axes):
        if k in summed:
          (self.made if both and i == 0 else self.summed).append(axis)
        elif of is None:
          self.made.append(axis)

  def _marked(
    self, eqn: Eqn, given: list[Given], ins: list[Axes], outs: list[Axes]
  ) -> str | None:
    kernel = 1 if given[1].leaf else 0
    leaf = given[kernel].leaf
    if self._times:
      self.products.append(
        Product(
          leaf or '',
          tuple(products.terms(eqn, ins, outs)),
          self._times,
          outs[0],
          eqn.outvars[0].aval.dtype.itemsize,
          tuple(products.outputs(eqn, ins, kernel)),
          math.prod(eqn.invars[kernel].aval.shape),
        )
      )
    if leaf is None:
      return None
    self._marks[leaf] = self._marks.get(leaf, -1) + 1
    return f'{leaf}#{self._marks[leaf]}'

  def _refused(self, eqn: Eqn, ins: list[Axes]) -> list[Axes]:
    name = eqn.primitive.name
    for axis in (axis for axes in ins for axis in axes):
      self.fix(axis, f'it meets the primitive {name!r}, which has no rule')
    if name not in self.unknown:
      self.unknown.append(name)
    return [fixed_axes(getattr(v.aval, 'shape', ())) for v in eqn.outvars]


def of_leaves(given: Sequence[Given]) -> frozenset[str] | None:
  """The leaves that a result is made of, or None if of an input, too."""
  found: frozenset[str] = frozenset()
  for g in given:
    if g.leaves is None:
      return None
    found |= g.leaves
  return found


def _array(var: Any) -> bool:
  return bool(np.shape(var.aval))
