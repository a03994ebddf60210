"""The program of a model as one list, with the calls in it opened."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from jax.extend import core

from prunax.shrinking.model import Traced
from prunax.shrinking.program import NESTED, Frame
from prunax.shrinking.rule import Step, results

# They run their programs many times, or one of many.
_CLOSED = ('cond', 'scan')


class Line(NamedTuple):
  """One equation.

  Attributes:
    step: with the positions of its arrays.
    ins: the slots that it reads.
    outs: the slots that it fills.
  """

  step: Step
  ins: tuple[int, ...]
  outs: tuple[int, ...]

  @property
  def name(self) -> str:
    """That of its primitive."""
    return str(self.step.eqn.primitive.name)


class Tape(NamedTuple):
  """A program whose arrays lie in slots.

  Attributes:
    lines: in order.
    ins: the slots of the leaves and of the arrays of the call.
    outs: the slots of the results.
    held: what constants hold, by slot.
    moved: the slots that depend on the arrays of the call.
  """

  lines: list[Line]
  ins: list[int]
  outs: list[int]
  held: dict[int, Any]
  moved: frozenset[int]

  def between(self, known: set[int], wanted: Sequence[int]) -> list[Line]:
    """The lines that lead from slots that are known to those wanted."""
    needed = set(wanted) - known
    found = []
    for line in reversed(self.lines):
      if not needed.isdisjoint(line.outs):
        found.append(line)
        needed |= set(line.ins) - known
    return found[::-1]

  def run(self, known: Mapping[int, Any], wanted: Sequence[int]) -> list[Any]:
    """What the slots that are wanted hold, where some are known."""
    slots = {**self.held, **known}
    for line in self.between(set(known), wanted):
      given = results(line.step.eqn, [slots[i] for i in line.ins])
      made = zip(line.outs, given, strict=True)
      slots.update((i, x) for i, x in made if i not in known)
    return [slots[i] for i in wanted]


class _Writer:
  """Gives each array of a program a slot."""

  def __init__(self) -> None:
    self.lines: list[Line] = []
    self.held: dict[int, Any] = {}
    self._size = 0

  def fresh(self, n: int) -> list[int]:
    self._size += n
    return list(range(self._size - n, self._size))

  def hold(self, value: Any) -> int:
    (slot,) = self.fresh(1)
    self.held[slot] = value
    return slot

  def write(self, frame: Frame, ins: Sequence[int]) -> list[int]:
    jaxpr = frame.jaxpr
    known = {
      v: self.hold(x)
      for v, x in zip(jaxpr.constvars, frame.consts, strict=True)
    }
    known.update(zip(jaxpr.invars, ins, strict=True))

    def read(var: Any) -> int:
      return self.hold(var.val) if isinstance(var, core.Literal) else known[var]

    for step in frame.steps:
      given = [read(v) for v in step.eqn.invars]
      name = step.eqn.primitive.name
      if name in NESTED and name not in _CLOSED:
        made = self.write(step.inner[0], given)
      else:
        made = self.fresh(len(step.eqn.outvars))
        self.lines.append(Line(step, tuple(given), tuple(made)))
      known.update(zip(step.eqn.outvars, made, strict=True))
    return [read(v) for v in jaxpr.outvars]


def taped(traced: Traced) -> Tape:
  """The tape of a traced model."""
  writer = _Writer()
  ins = writer.fresh(len(traced.frame.jaxpr.invars))
  outs = writer.write(traced.frame, ins)
  moved = set(ins[len(traced.names) :])
  for line in writer.lines:
    if not moved.isdisjoint(line.ins):
      moved.update(line.outs)
  return Tape(writer.lines, ins, outs, writer.held, frozenset(moved))
