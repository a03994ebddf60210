"""Primitives that pick by number: embeddings, and slices that move."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jax import lax

from prunax.shrinking.atoms import FIXED, Atoms, Axes
from prunax.shrinking.rule import (
  RULES,
  Cut,
  Eqn,
  Profile,
  Rule,
  Step,
  alike,
  unknown,
)

_PICKED = 'it is picked from by number'


def _whole(eqn: Eqn) -> dict[int, int]:
  """The axes of a gather's operand taken whole, by the axis of the result."""
  numbers = eqn.params['dimension_numbers']
  shape, sizes = eqn.invars[0].aval.shape, eqn.params['slice_sizes']
  gone = (*numbers.collapsed_slice_dims, *numbers.operand_batching_dims)
  left = [k for k in range(len(shape)) if k not in gone]
  return {
    out: k
    for out, k in zip(numbers.offset_dims, left, strict=True)
    if sizes[k] == shape[k] and k not in numbers.start_index_map
  }


def _gather_link(atoms: Atoms, eqn: Eqn, ins: list[Axes]) -> list[Axes]:
  whole = _whole(eqn)
  for k, axis in enumerate(ins[0]):
    if k not in whole.values():
      atoms.fix(axis, _PICKED)
  for axis in ins[1]:
    atoms.fix(axis, _PICKED)
  axes = [np.full(n, FIXED) for n in eqn.outvars[0].aval.shape]
  for out, k in whole.items():
    axes[out] = ins[0][k]
  return [tuple(axes)]


def _gather_bind(cut: Cut, values: list[Any]) -> list[Any]:
  eqn = cut.step.eqn
  sizes = list(eqn.params['slice_sizes'])
  for k in _whole(eqn).values():
    sizes[k] = int(cut.ins[0][k].sum())
  return cut.bind(values, slice_sizes=tuple(sizes))


def _gather_rest(
  step: Step, seen: Sequence[Any], out: int, axis: int
) -> Profile:
  """What the operand holds, and what fills the places beyond its end."""
  whole, aval = _whole(step.eqn), step.eqn.outvars[0].aval
  if axis not in whole:
    return unknown(aval.shape[axis], aval.dtype)
  held = seen[0].profile(whole[axis])
  if _stays_inside(step.eqn, seen[1].concrete):
    return held
  fill = step.eqn.params['fill_value']
  # NaN, which is what fills by itself, is NaN in the channels that stay, too.
  filled = held.zero if fill is None else held.values == fill
  return Profile(held.values, held.known & filled)


def _stays_inside(eqn: Eqn, numbers: np.ndarray | None) -> bool:
  """Whether a gather has nothing to fill."""
  if eqn.params['mode'] != lax.GatherScatterMode.FILL_OR_DROP:
    return True
  if numbers is None:
    return False
  axes = list(eqn.params['dimension_numbers'].start_index_map)
  shape = np.array(eqn.invars[0].aval.shape)[axes]
  room = shape - np.array(eqn.params['slice_sizes'])[axes]
  return bool(((numbers >= 0) & (numbers <= room)).all())


RULES['gather'] = Rule(_gather_link, _gather_bind, _gather_rest)


def _slice_link(atoms: Atoms, eqn: Eqn, ins: list[Axes]) -> list[Axes]:
  axes = []
  for x, n in zip(ins[0], eqn.params['slice_sizes'], strict=True):
    if len(x) == n:
      axes.append(x)
    else:
      atoms.fix(x, _PICKED)
      axes.append(np.full(n, FIXED))
  return [tuple(axes)]


def _slice_bind(cut: Cut, values: list[Any]) -> list[Any]:
  return cut.bind(values, slice_sizes=cut.shape())


def _same_rest(step: Step, seen: Sequence[Any], out: int, axis: int) -> Profile:
  return seen[0].profile(axis)


RULES['dynamic_slice'] = Rule(_slice_link, _slice_bind, _same_rest)


def _update_link(atoms: Atoms, eqn: Eqn, ins: list[Axes]) -> list[Axes]:
  axes = []
  for x, new in zip(ins[0], ins[1], strict=True):
    if len(x) == len(new):
      atoms.join(x, new, 'it meets an axis that is no channel')
    else:
      atoms.fix(x, _PICKED)
      atoms.fix(new, _PICKED)
    axes.append(x)
  return [tuple(axes)]


def _update_rest(
  step: Step, seen: Sequence[Any], out: int, axis: int
) -> Profile:
  old, new = (x.profile(axis) for x in seen[:2])
  if len(old.known) != len(new.known):
    return unknown(len(old.known), old.values.dtype)
  return alike([old, new])


RULES['dynamic_update_slice'] = Rule(_update_link, rest=_update_rest)


def _windows(eqn: Eqn) -> dict[int, int]:
  """The axes of a scatter's operand taken whole, by the axis of the updates."""
  numbers = eqn.params['dimension_numbers']
  operand, _, updates = (v.aval.shape for v in eqn.invars)
  gone = (*numbers.inserted_window_dims, *numbers.operand_batching_dims)
  left = [k for k in range(len(operand)) if k not in gone]
  return {
    new: k
    for new, k in zip(numbers.update_window_dims, left, strict=True)
    if updates[new] == operand[k]
    and k not in numbers.scatter_dims_to_operand_dims
  }


def _scatter_link(atoms: Atoms, eqn: Eqn, ins: list[Axes]) -> list[Axes]:
  operand, numbers, updates = ins
  whole = _windows(eqn)
  moved = [x for k, x in enumerate(operand) if k not in whole.values()]
  moved += [x for k, x in enumerate(updates) if k not in whole]
  for x in (*moved, *numbers):
    atoms.fix(x, _PICKED)
  for new, k in whole.items():
    atoms.join(operand[k], updates[new], 'it meets an axis that is no channel')
  return [operand]


def _scatter_rest(
  step: Step, seen: Sequence[Any], out: int, axis: int
) -> Profile:
  """Where both are alike, and a sum where both are 0."""
  places = {k: new for new, k in _windows(step.eqn).items()}
  if axis not in places:
    return unknown(len(seen[0].cut(axis)), step.eqn.outvars[0].aval.dtype)
  old, new = seen[0].profile(axis), seen[2].profile(places[axis])
  if step.eqn.primitive.name in ('scatter-add', 'scatter-mul'):
    return Profile(old.values, old.zero & new.zero)
  return alike([old, new])


for _name in ('', '-add', '-mul', '-min', '-max'):
  RULES[f'scatter{_name}'] = Rule(_scatter_link, rest=_scatter_rest)
