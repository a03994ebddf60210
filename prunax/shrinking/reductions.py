"""Primitives that reduce or slide along axes."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from prunax.shrinking.atoms import FIXED, Atoms, Axes
from prunax.shrinking.rule import (
  RULES,
  Eqn,
  Profile,
  Rule,
  Step,
  unknown,
)


def _reduce_link(atoms: Atoms, eqn: Eqn, ins: list[Axes]) -> list[Axes]:
  """What is reduced stays: a norm or a softmax would count fewer."""
  axes = eqn.params['axes']
  for k in axes:
    atoms.fix(ins[0][k], f'{eqn.primitive.name} reduces it')
  kept = tuple(x for k, x in enumerate(ins[0]) if k not in axes)
  return [kept] * len(eqn.outvars)


def _reduce_rest(
  step: Step, seen: Sequence[Any], out: int, axis: int
) -> Profile:
  """The same reduction of as many equal values."""
  eqn, x = step.eqn, seen[0]
  axes = eqn.params['axes']
  kept = [k for k in range(len(x.shape)) if k not in axes]
  aval = eqn.outvars[out].aval
  held = x.profile(kept[axis])
  if eqn.primitive.name in ('argmax', 'argmin'):
    return unknown(aval.shape[axis], aval.dtype)
  shape = [x.shape[k] if k in axes else 1 for k in range(len(x.shape))]
  values = np.zeros(aval.shape[axis], aval.dtype)
  for i in np.flatnonzero(held.known):
    if held.values[i] or eqn.primitive.name != 'reduce_sum':
      full = jnp.full(shape, held.values[i], x.dtype)
      values[i] = np.asarray(eqn.primitive.bind(full, **eqn.params)).item()
  return Profile(values, held.known)


_REDUCE = Rule(_reduce_link, rest=_reduce_rest)
for _name in ('sum', 'max', 'min', 'prod', 'and', 'or', 'xor'):
  RULES[f'reduce_{_name}'] = _REDUCE
RULES['argmax'] = RULES['argmin'] = _REDUCE


def _window_link(atoms: Atoms, eqn: Eqn, ins: list[Axes]) -> list[Axes]:
  axes = []
  shape = eqn.outvars[0].aval.shape
  for k, x in enumerate(ins[0]):
    still = all(
      eqn.params[name][k] == same
      for name, same in (
        ('window_dimensions', 1),
        ('window_strides', 1),
        ('padding', (0, 0)),
        ('base_dilation', 1),
      )
    )
    if still:
      axes.append(x)
    else:
      atoms.fix(x, f'{eqn.primitive.name} slides over it')
      axes.append(np.full(shape[k], FIXED))
  return [tuple(axes)]


def _window_rest(
  step: Step, seen: Sequence[Any], out: int, axis: int
) -> Profile:
  """Of equal values the largest is the same; a sum is, but at the border."""
  eqn, held = step.eqn, seen[0].profile(axis)
  sizes, padding = (eqn.params[x] for x in ('window_dimensions', 'padding'))
  dense = all(n == 1 for n in eqn.params['base_dilation'])
  if eqn.primitive.name in ('reduce_window_max', 'reduce_window_min'):
    full = all(max(p) < n for p, n in zip(padding, sizes, strict=True))
    return Profile(held.values, held.known & (dense and full))
  known = held.known
  if not dense or any(pair != (0, 0) for pair in padding):
    known = held.zero
  values = held.values * np.prod(eqn.params['window_dimensions'])
  return Profile(values.astype(eqn.outvars[0].aval.dtype), known)


for _name in ('sum', 'max', 'min'):
  RULES[f'reduce_window_{_name}'] = Rule(_window_link, rest=_window_rest)


def _running_link(atoms: Atoms, eqn: Eqn, ins: list[Axes]) -> list[Axes]:
  k = eqn.params['axis']
  atoms.fix(ins[0][k], f'{eqn.primitive.name} runs along it')
  return [ins[0]]


def _running_rest(
  step: Step, seen: Sequence[Any], out: int, axis: int
) -> Profile:
  held = seen[0].profile(axis)
  known = held.zero
  if step.eqn.primitive.name in ('cummax', 'cummin'):
    known = held.known
  return Profile(held.values, known)


for _name in ('cumsum', 'cumprod', 'cummax', 'cummin'):
  RULES[_name] = Rule(_running_link, rest=_running_rest)
