"""Primitives that move positions: broadcasts, transposes, slices."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from prunax.shrinking.atoms import EMPTY, Atoms, Axes, joined_ends
from prunax.shrinking.rule import (
  RULES,
  Cut,
  Eqn,
  Profile,
  Rule,
  Step,
)
from prunax.shrinking.seen import anywhere


def _broadcast_link(atoms: Atoms, eqn: Eqn, ins: list[Axes]) -> list[Axes]:
  """A new axis is alike everywhere, so any of it may go."""
  shape, dims = eqn.params['shape'], eqn.params['broadcast_dimensions']
  axes = [atoms.fresh(n) for n in shape]
  for i, k in enumerate(dims):
    if len(ins[0][i]) == shape[k]:
      axes[k] = ins[0][i]
  return [tuple(axes)]


def _broadcast_bind(cut: Cut, values: list[Any]) -> list[Any]:
  return cut.bind(values, shape=cut.shape())


def _broadcast_rest(
  step: Step, seen: Sequence[Any], out: int, axis: int
) -> Profile:
  shape = step.eqn.params['shape']
  x, dims = seen[0], list(step.eqn.params['broadcast_dimensions'])
  n = shape[axis]
  if axis in dims and x.shape[dims.index(axis)] == n and n > 1:
    return x.profile(dims.index(axis))
  return anywhere(x, n)


RULES['broadcast_in_dim'] = Rule(
  _broadcast_link, _broadcast_bind, _broadcast_rest
)


def _tile_link(atoms: Atoms, eqn: Eqn, ins: list[Axes]) -> list[Axes]:
  """What one position is broadcast to may go one by one."""
  for x, n in zip(ins[0], eqn.params['reps'], strict=True):
    if n == 0:
      atoms.fix(x, EMPTY)
  return [
    tuple(
      atoms.fresh(n) if len(x) == 1 < n else joined_ends([x[:0], *[x] * n])
      for x, n in zip(ins[0], eqn.params['reps'], strict=True)
    )
  ]


def _tile_bind(cut: Cut, values: list[Any]) -> list[Any]:
  eqn = cut.step.eqn
  times = [
    len_out if len_in == 1 < n else n
    for n, len_in, len_out in zip(
      eqn.params['reps'], eqn.invars[0].aval.shape, cut.shape(), strict=True
    )
  ]
  return cut.bind(values, reps=tuple(times))


def _tile_rest(step: Step, seen: Sequence[Any], out: int, axis: int) -> Profile:
  x, n = seen[0], step.eqn.outvars[0].aval.shape[axis]
  if x.shape[axis] == 1:
    return anywhere(x, n)
  held, times = x.profile(axis), step.eqn.params['reps'][axis]
  return Profile(np.tile(held.values, times), np.tile(held.known, times))


RULES['tile'] = Rule(_tile_link, _tile_bind, _tile_rest)


def _moved(eqn: Eqn) -> list[int]:
  """For each axis of the result the operand's."""
  if eqn.primitive.name == 'transpose':
    return list(eqn.params['permutation'])
  gone = eqn.params['dimensions']
  return [i for i in range(len(eqn.invars[0].aval.shape)) if i not in gone]


def _axes_link(atoms: Atoms, eqn: Eqn, ins: list[Axes]) -> list[Axes]:
  return [tuple(ins[0][i] for i in _moved(eqn))]


def _axes_rest(step: Step, seen: Sequence[Any], out: int, axis: int) -> Profile:
  return seen[0].profile(_moved(step.eqn)[axis])


RULES['transpose'] = Rule(_axes_link, rest=_axes_rest)
RULES['squeeze'] = Rule(_axes_link, rest=_axes_rest)


def _places(eqn: Eqn, axis: int) -> np.ndarray:
  """For each position of an axis of the result the operand's."""
  n = eqn.invars[0].aval.shape[axis]
  if eqn.primitive.name == 'rev':
    order = np.arange(n)
    return order[::-1] if axis in eqn.params['dimensions'] else order
  start, limit = (
    eqn.params[x][axis] for x in ('start_indices', 'limit_indices')
  )
  return np.arange(start, limit, (eqn.params['strides'] or {axis: 1})[axis])


def _taken_link(atoms: Atoms, eqn: Eqn, ins: list[Axes]) -> list[Axes]:
  return [tuple(x[_places(eqn, k)] for k, x in enumerate(ins[0]))]


def _taken_bind(cut: Cut, values: list[Any]) -> list[Any]:
  """Where each position that is left lies among those that are left."""
  found = values[0]
  for k, kept in enumerate(cut.ins[0]):
    places = _places(cut.step.eqn, k)
    if kept.all():
      if len(places) != len(kept) or (places[:1] != 0).any():
        found = _take(found, places, k)
      continue
    new = np.cumsum(kept) - 1
    found = _take(found, new[places[cut.outs[0][k]]], k)
  return [found]


def _take(x: Any, places: np.ndarray, axis: int) -> Any:
  n, steps = x.shape[axis], np.unique(np.diff(places))
  if len(steps) <= 1 and len(places):
    step = int(steps[0]) if len(steps) else 1
    first, last = int(places[0]), int(places[-1])
    if step > 0:
      return lax.slice_in_dim(x, first, last + 1, step, axis)
    if places[0] == n - 1 and step == -1 and last == 0:
      return lax.rev(x, (axis,))
  return jnp.take(x, places, axis, mode='clip')


def _taken_rest(
  step: Step, seen: Sequence[Any], out: int, axis: int
) -> Profile:
  held, places = seen[0].profile(axis), _places(step.eqn, axis)
  return Profile(held.values[places], held.known[places])


RULES['slice'] = Rule(_taken_link, _taken_bind, _taken_rest)
RULES['rev'] = Rule(_taken_link, _taken_bind, _taken_rest)
