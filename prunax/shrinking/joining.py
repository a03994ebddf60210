"""Primitives that put arrays together and take them apart; padding."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from prunax.shrinking.atoms import FIXED, Atoms, Axes, joined_ends
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


def _join_others(
  atoms: Atoms, arrays: Sequence[Axes], dimension: int
) -> list[np.ndarray]:
  """Joins all axes but one, which are those of the result."""
  for other in arrays[1:]:
    for k, (a, b) in enumerate(zip(arrays[0], other, strict=True)):
      if k != dimension:
        atoms.join(a, b, 'it meets an axis that is no channel')
  return list(arrays[0])


def _concatenate_link(atoms: Atoms, eqn: Eqn, ins: list[Axes]) -> list[Axes]:
  k = eqn.params['dimension']
  axes = _join_others(atoms, ins, k)
  axes[k] = joined_ends([x[k] for x in ins])
  return [tuple(axes)]


def _concatenate_rest(
  step: Step, seen: Sequence[Any], out: int, axis: int
) -> Profile:
  held = [x.profile(axis) for x in seen]
  if axis == step.eqn.params['dimension']:
    parts = ([p.values for p in held], [p.known for p in held])
    return Profile(*(np.concatenate(x) for x in parts))
  return alike(held)


RULES['concatenate'] = Rule(_concatenate_link, rest=_concatenate_rest)


def _parts(eqn: Eqn) -> list[slice]:
  ends = np.cumsum(eqn.params['sizes'])
  return [
    slice(e - n, e) for e, n in zip(ends, eqn.params['sizes'], strict=True)
  ]


def _split_link(atoms: Atoms, eqn: Eqn, ins: list[Axes]) -> list[Axes]:
  k = eqn.params['axis']
  return [
    (*ins[0][:k], ins[0][k][part], *ins[0][k + 1 :]) for part in _parts(eqn)
  ]


def _split_bind(cut: Cut, values: list[Any]) -> list[Any]:
  k = cut.step.eqn.params['axis']
  return cut.bind(values, sizes=tuple(int(o[k].sum()) for o in cut.outs))


def _split_rest(
  step: Step, seen: Sequence[Any], out: int, axis: int
) -> Profile:
  held = seen[0].profile(axis)
  if axis != step.eqn.params['axis']:
    return held
  part = _parts(step.eqn)[out]
  return Profile(held.values[part], held.known[part])


RULES['split'] = Rule(_split_link, _split_bind, _split_rest)


def _pad_link(atoms: Atoms, eqn: Eqn, ins: list[Axes]) -> list[Axes]:
  """What is padded has the one value everywhere, so any of it may go."""
  axes = []
  for x, (low, high, inner) in zip(
    ins[0], eqn.params['padding_config'], strict=True
  ):
    if (low, high, inner) == (0, 0, 0):
      axes.append(x)
    elif inner or atoms.fixed(x).all():
      atoms.fix(x, 'it is padded inside')
      axes.append(
        np.full(max(low + high + len(x) + inner * max(len(x) - 1, 0), 0), FIXED)
      )
    else:
      inside = x[max(-low, 0) : len(x) - max(-high, 0)]
      ends = [atoms.fresh(max(end, 0)) for end in (low, high)]
      axes.append(joined_ends([ends[0], inside, ends[1]]))
  return [tuple(axes)]


def _pad_bind(cut: Cut, values: list[Any]) -> list[Any]:
  config = []
  for k, (low, high, inner) in enumerate(cut.step.eqn.params['padding_config']):
    before, after = cut.ins[0][k], cut.outs[0][k]
    if before.all() and after.all():
      config.append((low, high, inner))
      continue
    n = len(before)
    low = int(after[:low].sum() if low > 0 else -before[: max(-low, 0)].sum())
    high = int(
      after[len(after) - high :].sum()
      if high > 0
      else -before[n - max(-high, 0) :].sum()
    )
    config.append((low, high, 0))
  return cut.bind(values, padding_config=tuple(config))


def _pad_rest(step: Step, seen: Sequence[Any], out: int, axis: int) -> Profile:
  x, value = seen
  low, high, inner = step.eqn.params['padding_config'][axis]
  aval = step.eqn.outvars[0].aval
  if value.concrete is None or inner:
    return unknown(aval.shape[axis], aval.dtype)
  held = x.profile(axis)
  padded = any(
    config != (0, 0, 0)
    for k, config in enumerate(step.eqn.params['padding_config'])
    if k != axis
  )
  known = held.known & ((not padded) | (held.values == value.concrete))
  inside = slice(max(-low, 0), x.shape[axis] - max(-high, 0))
  ends = [np.full(max(end, 0), value.concrete) for end in (low, high)]
  return Profile(
    np.concatenate([ends[0], held.values[inside], ends[1]]).astype(aval.dtype),
    np.concatenate([ends[0] == ends[0], known[inside], ends[1] == ends[1]]),
  )


RULES['pad'] = Rule(_pad_link, _pad_bind, _pad_rest)


def _stack_link(atoms: Atoms, eqn: Eqn, ins: list[Axes]) -> list[Axes]:
  axes = _join_others(atoms, ins, -1)
  axes.insert(eqn.params['axis'], np.full(len(ins), FIXED))
  return [tuple(axes)]


def _stack_rest(
  step: Step, seen: Sequence[Any], out: int, axis: int
) -> Profile:
  axis -= axis > step.eqn.params['axis']
  return alike([x.profile(axis) for x in seen])


def _unstack_link(atoms: Atoms, eqn: Eqn, ins: list[Axes]) -> list[Axes]:
  k = eqn.params['axis']
  atoms.fix(ins[0][k], 'it is taken apart')
  return [(*ins[0][:k], *ins[0][k + 1 :])] * len(eqn.outvars)


def _unstack_rest(
  step: Step, seen: Sequence[Any], out: int, axis: int
) -> Profile:
  return seen[0].profile(axis + (axis >= step.eqn.params['axis']))


RULES['stack'] = Rule(_stack_link, rest=_stack_rest)
RULES['unstack'] = Rule(_unstack_link, rest=_unstack_rest)
