"""Primitives that mix the positions of some axes, and keep the others apart."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from prunax.shrinking import elementwise
from prunax.shrinking.atoms import FIXED, Atoms, Axes
from prunax.shrinking.rule import RULES, Eqn, Profile, Rule, Step, unknown


def _sort_link(atoms: Atoms, eqn: Eqn, ins: list[Axes]) -> list[Axes]:
  for x in ins:
    atoms.fix(x[eqn.params['dimension']], 'it is sorted')
  return elementwise.link(atoms, eqn, ins)


def _sort_rest(step: Step, seen: Sequence[Any], out: int, axis: int) -> Profile:
  """Equal keys with equal values are the same in any order."""
  held = [x.profile(axis) for x in seen]
  return Profile(held[out].values, np.all([p.known for p in held], axis=0))


RULES['sort'] = Rule(_sort_link, rest=_sort_rest)


def _top_link(atoms: Atoms, eqn: Eqn, ins: list[Axes]) -> list[Axes]:
  k = eqn.params.get('axis', len(ins[0]) - 1)
  atoms.fix(ins[0][k], 'it is sorted')
  axes = list(ins[0])
  axes[k] = np.full(eqn.params['k'], FIXED)
  return [tuple(axes)] * len(eqn.outvars)


def _top_rest(step: Step, seen: Sequence[Any], out: int, axis: int) -> Profile:
  """The largest of equal values is that value; its place is another's."""
  aval = step.eqn.outvars[out].aval
  return seen[0].profile(axis) if out == 0 else unknown(aval.shape[axis])


RULES['top_k'] = Rule(_top_link, rest=_top_rest)


def _transform_link(atoms: Atoms, eqn: Eqn, ins: list[Axes]) -> list[Axes]:
  """Of Fourier, along the last axes."""
  apart = len(ins[0]) - len(eqn.params['fft_lengths'])
  for x in ins[0][apart:]:
    atoms.fix(x, 'it is transformed')
  shape = eqn.outvars[0].aval.shape
  return [(*ins[0][:apart], *(np.full(n, FIXED) for n in shape[apart:]))]


def _transform_rest(
  step: Step, seen: Sequence[Any], out: int, axis: int
) -> Profile:
  zero = seen[0].profile(axis).zero
  return Profile(np.zeros(len(zero), step.eqn.outvars[0].aval.dtype), zero)


RULES['fft'] = Rule(_transform_link, rest=_transform_rest)
