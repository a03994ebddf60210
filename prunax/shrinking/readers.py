"""A model run on examples, and the products that read its channels."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from prunax import tree
from prunax.errors import InputError
from prunax.shrinking import model
from prunax.shrinking.atoms import Axis
from prunax.shrinking.groups import Group, groups, positions
from prunax.shrinking.model import Call, Traced
from prunax.shrinking.products import PRODUCTS, sums
from prunax.shrinking.tape import Line, Tape, taped


class Run(NamedTuple):
  """A model that is run on examples, to look at what its arrays hold.

  Attributes:
    traced: its program.
    tape: the same as one list.
    groups: the channels to look at.
    ids: of all groups, those too that may not be cut.
    examples: how many there are.
    arrays: of the call.
  """

  traced: Traced
  tape: Tape
  groups: list[Group]
  ids: list[str]
  examples: int
  arrays: list[Any]

  def seen(
    self, variables: Any, arrays: Sequence[Any], wanted: Sequence[int]
  ) -> dict[int, Any]:
    """What slots hold with these variables, arrays in the call."""
    values = [*jax.tree.leaves(variables), *arrays]
    known = dict(zip(self.tape.ins, values, strict=True))
    return dict(zip(wanted, self.tape.run(known, wanted), strict=True))


def run_of(apply: Callable[..., Any], variables: Any, call: Call) -> Run:
  """A model, traced at the examples of a call, which lie on the first axis."""
  shapes = [np.shape(x) for x in call.arrays]
  told = any(isinstance(x, jax.ShapeDtypeStruct) for x in call.arrays)
  if told or not shapes or not shapes[0] or not shapes[0][0]:
    raise InputError(
      'the example must be an array of examples, one after another along its'
      f' first axis, got {shapes or "no array"}{" without values" * told}: give'
      ' some of the data'
    )
  traced = model.trace(apply, variables, call)
  found = groups(traced)
  free, ids = [g for g in found if g.prunable], [g.id for g in found]
  return Run(traced, taped(traced), free, ids, shapes[0][0], call.arrays)


class Reader(NamedTuple):
  """A product that sums over channels of its examples.

  Attributes:
    line: the product.
    operand: which of its two holds the examples.
    axes: the axes of the two that are summed over.
    places: for each operand, [size, block] where each channel lies on it.
  """

  line: Line
  operand: int
  axes: tuple[int, int]
  places: tuple[np.ndarray, np.ndarray]

  @property
  def slot(self) -> int:
    """The slot of what it reads."""
    return self.line.ins[self.operand]


def readers(run: Run, group: Group) -> list[Reader]:
  """All that read a group and can be seen, in the order of the program."""
  found = []
  for line in run.tape.lines:
    if line.name not in PRODUCTS:
      continue
    for total in sums(line.step.eqn):
      both = [line.step.ins[k][total.axes[k]] for k in (0, 1)]
      places = [_places(run.traced, group, axis) for axis in both]
      if places[0] is None or places[1] is None:
        continue
      found += [
        Reader(line, k, total.axes, (places[0], places[1]))
        for k in (0, 1)
        if line.ins[k] in run.tape.moved
      ]
  return found


def _places(traced: Traced, group: Group, axis: Axis) -> np.ndarray | None:
  """[size, block] where each channel lies on an axis; None if it does not."""
  for column in [axis] if axis.ndim == 1 else axis.T:
    roots = traced.linker.find(column)
    at = positions(roots, group.atoms)
    _, counts = np.unique(roots[at], return_counts=True)
    if len(counts) == group.size and (counts == counts[0]).all():
      return at.reshape(group.size, -1)
  return None


def all_readers(
  run: Run, what: str, rules: tree.Rules | None
) -> dict[str, list[Reader]]:
  """By group those that read it, but for groups whose rule is None."""
  values = [1.0] * len(run.ids)
  if rules is not None:
    values = tree.rule_values(rules, run.ids)
  wanted = dict(zip(run.ids, values, strict=True))
  found = {}
  for group in run.groups:
    if wanted[group.id] is None:
      continue
    found[group.id] = readers(run, group)
    if not found[group.id]:
      raise InputError(
        f'{what} must see a product that reads {group.id!r}, but'
        f' {_hidden(run, group)}: leave it out by a rule, or take another score'
      )
  return found


def check_read(
  apply: Callable[..., Any],
  variables: Any,
  *example: Any,
  what: str,
  rules: tree.Rules | None = None,
) -> None:
  """Refuses a model with channels that no product is seen to read."""
  all_readers(run_of(apply, variables, model.call_of(example, {})), what, rules)


def _hidden(run: Run, group: Group) -> str:
  """Why no product that reads a group is seen."""
  inside = {
    line.name
    for line in run.tape.lines
    if line.step.inner
    for axes in line.step.ins
    for axis in axes
    if np.isin(run.traced.linker.find(axis), group.atoms).any()
  }
  if inside:
    return f'it is read inside of a {" and a ".join(sorted(inside))}'
  return 'none does'
