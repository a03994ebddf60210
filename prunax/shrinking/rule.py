"""What must be known of a primitive so that channels can be cut through it."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from prunax.errors import InputError
from prunax.shrinking.atoms import Axes

Eqn = Any
Kept = tuple[np.ndarray, ...]


class Step(NamedTuple):
  """One equation of a program, with the positions of its arrays.

  Attributes:
    eqn: as `jax.make_jaxpr` has it.
    ins: the axes of what it reads.
    outs: the axes of what it gives.
    inner: the traced programs that it runs.
    mark: names a product by the leaf that it multiplies with and a count, for
      what is added to it; None for all else.
  """

  eqn: Eqn
  ins: list[Axes]
  outs: list[Axes]
  inner: Sequence[Any] = ()
  mark: str | None = None


def results(eqn: Eqn, values: Sequence[Any], params: Any = None) -> list[Any]:
  """What an equation gives, with its own parameters unless told."""
  if params is None:
    params = eqn.primitive.get_bind_params(eqn.params)
  given = eqn.primitive.bind(*values, **params)
  return list(given) if eqn.primitive.multiple_results else [given]


class Cut(NamedTuple):
  """An equation with what is left of its arrays.

  Attributes:
    step: the equation.
    ins: by operand and axis, what of it is kept.
    outs: the same of the results.
  """

  step: Step
  ins: list[Kept]
  outs: list[Kept]

  def shape(self, i: int = 0) -> tuple[int, ...]:
    """The shape of a result."""
    return tuple(int(k.sum()) for k in self.outs[i])

  def bind(self, values: list[Any], **changes: Any) -> list[Any]:
    """The primitive's own results, with some parameters changed."""
    return results(self.step.eqn, values, {**self.step.eqn.params, **changes})


class Profile(NamedTuple):
  """What an array holds at the positions of one axis that are cut.

  Attributes:
    values: [n] one for all other axes.
    known: [n] where that is so whatever the input.
  """

  values: np.ndarray
  known: np.ndarray

  @property
  def zero(self) -> np.ndarray:
    """Where it is 0 for certain."""
    return self.known & (self.values == 0)


Link = Callable[[Any, Eqn, list[Axes]], list[Axes]]
Bind = Callable[[Cut, list[Any]], list[Any]]
Rest = Callable[[Step, Sequence[Any], int, int], Profile]


def unknown(n: int, dtype: Any = np.float64) -> Profile:
  """Nothing is known of an axis."""
  return Profile(np.zeros(n, dtype), np.zeros(n, bool))


def alike(profiles: Sequence[Profile]) -> Profile:
  """What all of several arrays hold."""
  first = profiles[0]
  same = np.all([p.known & (p.values == first.values) for p in profiles], 0)
  return Profile(first.values, same)


def nothing_known(
  step: Step, seen: Sequence[Any], out: int, axis: int
) -> Profile:
  """The rest rule of what mixes its inputs."""
  return unknown(step.eqn.outvars[out].aval.shape[axis])


def bound(cut: Cut, values: list[Any]) -> list[Any]:
  """The bind rule of what has no shape among its parameters."""
  return cut.bind(values)


class Rule(NamedTuple):
  """How channels pass through a primitive.

  Attributes:
    link: (atoms, equation, axes of the operands) -> axes of the results. It
      joins positions that must go together and fixes those that must stay.
    bind: (cut, values) -> results, with what is left of the arrays.
    rest: (step, operands, result, axis) -> what the result holds at the
      positions of that axis that are cut, in the program that is not.
  """

  link: Link
  bind: Bind = bound
  rest: Rest = nothing_known


RULES: dict[str, Rule] = {}


def register_primitive(name: str, rule: Rule) -> None:
  """Teaches how channels pass through a primitive.

  >>> from prunax.shrinking.elementwise import elementwise
  >>> register_primitive('my_activation', elementwise)

  Args:
    name: the primitive's, as `jax.make_jaxpr` prints it.
    rule: one of those that are there, as `prunax.shrinking.elementwise`, or
      your own.
  """
  if not (isinstance(name, str) and name):
    raise InputError(
      f'a primitive must be given by its name, got {name!r}: print the jaxpr'
    )
  if not isinstance(rule, Rule):
    raise InputError(
      f'the rule of {name!r} must be a prunax.shrinking.Rule, got'
      f' {type(rule).__name__}: make one'
    )
  RULES[name] = rule
