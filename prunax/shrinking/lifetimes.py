"""How long each value of a program is needed, as it runs in order."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from jax.extend import core

from prunax.shrinking.atoms import Axes
from prunax.shrinking.program import Frame
from prunax.shrinking.rule import Step


class Value(NamedTuple):
  """An array that a program is given or makes.

  Attributes:
    axes: its axes.
    width: bytes of an entry.
    born: the moment from which it is there.
    last: the moment at which it is read last.
  """

  axes: Axes
  width: int
  born: int
  last: int


# A value by its number; None for variables, constants and literals.
Number = int | None


class Course:
  """Programs run in order, an equation a moment.

  Attributes:
    values: all that they are given and make.
  """

  def __init__(self) -> None:
    self.values: list[Value] = []
    self._now = 0

  def made(self, variables: Sequence[Any], axes: Sequence[Axes]) -> list[int]:
    """New values, which are there from now on."""
    first = len(self.values)
    for var, own in zip(variables, axes, strict=True):
      width = getattr(getattr(var.aval, 'dtype', None), 'itemsize', 0)
      self.values.append(Value(own, width, self._now, self._now))
    return list(range(first, len(self.values)))

  def read(self, numbers: Sequence[Number]) -> None:
    """These are needed now."""
    for n in numbers:
      if n is not None:
        self.values[n] = self.values[n]._replace(last=self._now)

  def tick(self) -> None:
    self._now += 1

  def run(self, frame: Frame, given: Sequence[Number]) -> Sequence[Number]:
    """The results of a frame, which nobody has read yet."""
    jaxpr = frame.jaxpr
    known: dict[Any, Number] = dict.fromkeys(jaxpr.constvars)
    known.update(zip(jaxpr.invars, given, strict=True))

    def found(variables: Sequence[Any]) -> list[Number]:
      return [
        None if isinstance(v, core.Literal) else known[v] for v in variables
      ]

    for step in frame.steps:
      numbers = self._step(step, found(step.eqn.invars))
      known.update(zip(step.eqn.outvars, numbers, strict=True))
    return found(jaxpr.outvars)

  def _step(self, step: Step, ins: list[Number]) -> Sequence[Number]:
    name = step.eqn.primitive.name
    if name in INSIDE:
      return INSIDE[name](self, step, ins)
    if step.inner:
      # A function's own program; its rule of gradients does not run.
      return self.run(step.inner[0], ins)
    self.read(ins)
    outs = self.made(step.eqn.outvars, step.outs)
    self.tick()
    return outs


def _cond(course: Course, step: Step, ins: list[Number]) -> Sequence[Number]:
  """One branch or another: what one makes is gone before the next."""
  course.read(ins)
  for frame in step.inner:
    course.read(course.run(frame, ins[1:]))
    course.tick()
  return course.made(step.eqn.outvars, step.outs)


def _scan(course: Course, step: Step, ins: list[Number]) -> Sequence[Number]:
  """One turn, beside all that the others read and have made."""
  frame, params = step.inner[0], step.eqn.params
  consts, carry = params['num_consts'], params['num_carry']
  course.read(ins)
  course.tick()
  stacked = course.made(step.eqn.outvars[carry:], step.outs[carry:])
  own = course.made(frame.jaxpr.invars[consts:], frame.ins[consts:])
  outs = course.run(frame, [*ins[:consts], *own])
  course.read([*ins[:consts], *ins[consts + carry :], *outs, *stacked])
  course.tick()
  return [*outs[:carry], *stacked]


INSIDE: dict[str, Callable[[Course, Step, list[Number]], Sequence[Number]]] = {
  'cond': _cond,
  'scan': _scan,
}
