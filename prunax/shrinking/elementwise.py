"""Primitives that do the same to each position."""

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
  alike,
)
from prunax.shrinking.seen import anywhere


def link(atoms: Atoms, eqn: Eqn, ins: list[Axes]) -> list[Axes]:
  """Positions that meet are one; an axis of one position meets none."""
  shape = eqn.outvars[0].aval.shape
  if any(x and len(x) != len(shape) for x in ins):
    for axis in (axis for x in ins for axis in x):
      atoms.fix(axis, f'{eqn.primitive.name} takes it apart')
    return [tuple(np.full(n, FIXED) for n in shape)]
  axes = []
  for k, n in enumerate(shape):
    met = [x[k] for x in ins if x and len(x[k]) == n]
    for other in met[1:]:
      atoms.join(met[0], other, 'it meets an axis that is no channel')
    axes.append(met[0] if met else np.full(n, FIXED))
  return [tuple(axes)] * len(eqn.outvars)


def rest(step: Step, seen: Sequence[Any], out: int, axis: int) -> Profile:
  """The same function of what the operands hold."""
  eqn = step.eqn
  aval = eqn.outvars[out].aval
  met = [_along(x, axis, aval.shape[axis]) for x in seen]
  known = np.all([p.known for p in met], axis=0)
  values = np.zeros(aval.shape[axis], aval.dtype)
  if known.any():
    found = eqn.primitive.bind(
      *(jnp.asarray(p.values[known]) for p in met), **eqn.params
    )
    found = found[out] if eqn.primitive.multiple_results else found
    values[known] = np.asarray(found)
  if eqn.primitive.name == 'mul':
    # 0 times whatever is finite.
    known = known | met[0].zero | met[1].zero
  if eqn.primitive.name == 'div':
    # 0 by what all channels share: were it 0, the others would tell.
    shared = not seen[1].shape or seen[1].shape[axis] == 1
    known = known | (met[0].zero & shared)
  return Profile(values, known)


def _select_rest(
  step: Step, seen: Sequence[Any], out: int, axis: int
) -> Profile:
  """What is picked, or what all that could be picked hold."""
  n = step.eqn.outvars[out].aval.shape[axis]
  which, *cases = (_along(x, axis, n) for x in seen)
  found = alike(cases)
  values, known = found.values.copy(), found.known
  for i, case in enumerate(cases):
    picked = which.known & (which.values == i) & case.known
    values[picked] = case.values[picked]
    known = known | picked
  return Profile(values, known)


def _along(x: Any, axis: int, n: int) -> Profile:
  """What an operand holds along an axis of the result."""
  if x.shape and x.shape[axis] == n and n > 1:
    return x.profile(axis)
  return anywhere(x, n)


elementwise = Rule(link, rest=rest)

_NAMES = """
abs acos acosh add add_any and asin asinh atan atan2 atanh bessel_i0e
bessel_i1e bitcast_convert_type cbrt ceil clamp clz complex conj
convert_element_type copy copy_p cos cosh digamma div eq erf erf_inv erfc exp
exp2 expm1 floor ge gt igamma igammac imag integer_pow is_finite le lgamma log
log1p logistic lt max min mul name ne neg nextafter nop not or polygamma
population_count pow real reduce_precision rem round rsqrt shift_left
shift_right_arithmetic shift_right_logical sign sin sinh sqrt square
stop_gradient sub tan tanh xor zeta pvary
"""
RULES.update(dict.fromkeys(_NAMES.split(), elementwise))
RULES['select_n'] = Rule(link, rest=_select_rest)
