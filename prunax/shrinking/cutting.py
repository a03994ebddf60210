"""Which channels can be cut so that nothing changes, and the cut model."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from prunax import tree
from prunax.errors import InputError
from prunax.shrinking import model
from prunax.shrinking.evaluate import Remaining
from prunax.shrinking.groups import Group, summed
from prunax.shrinking.looking import Looker
from prunax.shrinking.model import Call, Traced
from prunax.shrinking.plan import Masks, Plan


def plan_of(traced: Traced, gone: np.ndarray, added: dict[str, Any]) -> Plan:
  """The plan that cuts these sets of atoms."""
  alive = np.ones(traced.linker.size, bool)
  alive[gone] = False
  kept: dict[str, dict[int, np.ndarray]] = {}
  for name, axes in zip(traced.names, traced.axes, strict=True):
    masks = {k: alive[traced.linker.find(axis)] for k, axis in enumerate(axes)}
    masks = {k: mask for k, mask in masks.items() if not mask.all()}
    if masks:
      kept[name] = masks
  shapes = {
    n: tuple(map(len, a))
    for n, a in zip(traced.names, traced.axes, strict=True)
  }
  return Plan(shapes, kept, frozenset(summed(traced)), added, {})


class Settled(NamedTuple):
  """What can go so that the masked network stays the same.

  Attributes:
    masked: the variables of that network.
    gone: the sets of atoms, by their least atom.
    stayed: those that were to go.
    added: by the mark of a product, what takes the place of what went.
  """

  masked: Any
  gone: np.ndarray
  stayed: np.ndarray
  added: dict[str, np.ndarray]


def zeroed(traced: Traced, wanted: np.ndarray, variables: Any) -> Settled:
  """What can go of what is wanted, in the network that has 0 there."""
  masked = plan_of(traced, wanted, {}).mask(variables)
  return settled(traced, wanted, masked)


def settled(traced: Traced, wanted: np.ndarray, masked: Any) -> Settled:
  """What can go of what is wanted.

  Args:
    traced: the model.
    wanted: sets of atoms, by their least atom.
    masked: the variables of the network that is to stay the same.
  """
  leaves = [np.asarray(x) for x in jax.tree.leaves(masked)]
  gone = wanted
  while True:
    looker = Looker(traced.linker, gone)
    given = [
      looker.of(axes, x.dtype, x)
      for axes, x in zip(traced.axes, leaves, strict=True)
    ]
    inputs = traced.frame.jaxpr.invars[len(leaves) :]
    given += [
      looker.of(axes, v.aval.dtype)
      for axes, v in zip(traced.frame.ins[len(leaves) :], inputs, strict=True)
    ]
    looker.look(traced.frame, given)
    lost = [
      traced.linker.find(atoms.reshape(-1))
      for atoms, mark, value in looker.leaks
      if value is None or mark is None or not np.isfinite(value).all()
    ]
    if not lost:
      break
    fewer = np.setdiff1d(gone, np.concatenate(lost))
    if len(fewer) == len(gone):
      raise RuntimeError('a product loses what is not cut: please report this')
    gone = fewer
  added: dict[str, np.ndarray] = {}
  for _, mark, value in looker.leaks:
    if value is not None and mark is not None and np.any(value):
      added[mark] = added[mark] + value if mark in added else value
  return Settled(masked, gone, np.setdiff1d(wanted, gone), added)


def dead(traced: Traced, variables: Any, found: list[Group]) -> np.ndarray:
  """The channels that nothing makes or nothing reads."""
  leaves = dict(zip(traced.names, jax.tree.leaves(variables), strict=True))
  alive = {name: np.asarray(x) != 0 for name, x in leaves.items()}
  gone = np.zeros(0, np.int64)
  positions = dict(zip(traced.names, traced.axes, strict=True))
  while True:
    before = len(gone)
    for group in (g for g in found if g.prunable):
      makers = [m for m in group.members if alive[m.leaf].ndim > 1]
      for members in (makers, group.consumers):
        if not members:
          continue
        idle = np.ones(group.size, bool)
        for m in members:
          roots = traced.linker.find(positions[m.leaf][m.axis])
          rest = tuple(k for k in range(alive[m.leaf].ndim) if k != m.axis)
          some = alive[m.leaf].any(rest)
          busy = np.unique(roots[some])
          idle &= ~np.isin(group.atoms, busy)
        gone = np.union1d(gone, group.atoms[idle])
    if len(gone) == before:
      return gone
    for name, axes in positions.items():
      for k, axis in enumerate(axes):
        index: list[Any] = [slice(None)] * len(axes)
        index[k] = np.isin(traced.linker.find(axis), gone)
        alive[name][tuple(index)] = False


def atoms_of(traced: Traced, masks: Masks) -> np.ndarray:
  """The sets of atoms that masks of leaves leave out."""
  axes = dict(zip(traced.names, traced.axes, strict=True))
  found = [
    traced.linker.find(axes[name][k][~mask])
    for name, by_axis in masks.items()
    for k, mask in by_axis.items()
  ]
  return np.unique(np.concatenate([np.zeros(0, np.int64), *found]))


def gone_by(traced: Traced, plan: Plan) -> np.ndarray:
  """The sets of atoms that a plan cuts, in a program traced anew."""
  linker = traced.linker
  if set(traced.names) != set(plan.shapes):
    raise InputError(
      'variables must have the leaves of the plan, got'
      f' {", ".join(traced.names[:4])}...: give the cut variables of its model'
    )
  for name, axes in zip(traced.names, traced.axes, strict=True):
    shape = tuple(map(len, axes))
    if shape != plan.shapes[name]:
      raise InputError(
        f'{name} must have the shape {plan.shapes[name]} of the plan, got'
        f' {shape}: give the variables from before the cut'
      )
  gone = atoms_of(traced, plan.kept)
  fixed = gone[linker.fixed(gone)] if gone.size else gone
  if fixed.size:
    why = linker.cause(int(fixed[0]))
    raise InputError(
      f'what the plan cuts must be free in this call too, but {why}: call the'
      ' model as it was traced'
    )
  for name, axes in zip(traced.names, traced.axes, strict=True):
    for k, axis in enumerate(axes):
      mask = plan.kept.get(name, {}).get(k, np.ones(len(axis), bool))
      if (np.isin(linker.find(axis), gone) == mask).any():
        raise InputError(
          f'the plan must cut a channel of all leaves that it is in, but'
          f' {name} keeps one that others lose: give the plan of this model,'
          ' and call the model as it was traced'
        )
  return gone


@dataclasses.dataclass(frozen=True, eq=False)
class CutApply:
  """The model of the cut variables: the same program with smaller arrays.

  Attributes:
    apply: the model's own, before the cut.
    plan: what is kept of each leaf.
  """

  apply: Callable[..., Any]
  plan: Plan
  _made: dict[Any, Any] = dataclasses.field(default_factory=dict, repr=False)

  def __call__(self, variables: Any, *args: Any, **kwargs: Any) -> Any:
    leaves = jax.tree.leaves(variables)
    _check(self.plan, tree.leaf_names(variables), leaves)
    call = model.call_of(args, kwargs)
    traced, remaining = self._traced(variables, call)
    outs = remaining.run(traced.frame, [*leaves, *call.arrays])
    return jax.tree.unflatten(traced.structure, outs)

  def _traced(self, variables: Any, call: Call) -> tuple[Traced, Remaining]:
    """The program before the cut, and what runs it with what is left."""
    leaves, structure = jax.tree.flatten(variables)
    avals = tuple((x.shape, str(x.dtype)) for x in call.arrays)
    dtypes = tuple(jax.numpy.result_type(x) for x in leaves)
    key = (structure, dtypes, avals, repr(call.static), call.structure)
    if key in self._made:
      return self._made[key]
    names = tree.leaf_names(variables)
    full = [
      jax.ShapeDtypeStruct(self.plan.shapes[name], dtype)
      for name, dtype in zip(names, dtypes, strict=True)
    ]
    traced = model.trace(self.apply, jax.tree.unflatten(structure, full), call)
    gone = gone_by(traced, self.plan)
    made = traced, Remaining(traced.linker, gone, self.plan.added)
    if not any(isinstance(c, jax.core.Tracer) for c in traced.frame.consts):
      self._made[key] = made
    return made


def cut_apply(apply: Callable[..., Any], plan: Plan) -> CutApply:
  """The model of the cut variables: the same program with smaller arrays.

  Args:
    apply: the model's own, before any cut.
    plan: what is kept of each leaf.
  """
  *earlier, last = plan.chain()
  for one in earlier:
    apply = CutApply(apply, one)
  return CutApply(apply, last)


def _check(plan: Plan, names: list[str], leaves: list[Any]) -> None:
  left = plan.left()
  for name, x in zip(names, leaves, strict=True):
    if name not in left:
      raise InputError(
        f'variables must have the leaves of the plan, got {name!r} besides:'
        ' give the cut variables'
      )
    if np.shape(x) != left[name]:
      raise InputError(
        f'{name} must have the shape {left[name]} that the plan leaves of'
        f' {plan.shapes[name]}, got {np.shape(x)}: cut it by plan.cut'
      )
