"""Products: where channels are summed, and so consumed."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from prunax.shrinking.atoms import FIXED, Atoms, Axes, Axis
from prunax.shrinking.rule import (
  RULES,
  Cut,
  Eqn,
  Profile,
  Rule,
  Step,
  unknown,
)

# The primitives that sum over channels.
PRODUCTS = ('dot_general', 'conv_general_dilated')


class Sum(NamedTuple):
  """One axis that a product sums over: an axis of each operand.

  Attributes:
    axes: of the two operands.
    parts: how many positions of the first each of the second meets.
  """

  axes: tuple[int, int]
  parts: int = 1


def sums(eqn: Eqn) -> list[Sum]:
  """The axes that are summed over and may have channels."""
  if eqn.primitive.name == 'dot_general':
    (left, right), _ = eqn.params['dimension_numbers']
    return [Sum(pair) for pair in zip(left, right, strict=True)]
  if _by_group(eqn):
    # What a group sums over goes with all that it adds to.
    return []
  spec = eqn.params['dimension_numbers']
  groups = eqn.params['feature_group_count']
  return [Sum((spec.lhs_spec[1], spec.rhs_spec[1]), groups)]


def terms(eqn: Eqn, ins: list[Axes], outs: list[Axes]) -> list[Axis]:
  """The axes whose lengths, multiplied, count the multiplications."""
  if eqn.primitive.name == 'dot_general':
    (left, _), _ = eqn.params['dimension_numbers']
    return [*outs[0], *(ins[0][k] for k in left)]
  kernel = eqn.params['dimension_numbers'].rhs_spec
  return [*outs[0], *(ins[1][k] for k in kernel[1:])]


def outputs(eqn: Eqn, ins: list[Axes], kernel: int) -> list[Axis]:
  """The axes that a bias would have.

  Of a convolution with one input a group these are the outputs of one group,
  as COP counts depthwise ones: its inputs are all channels, its outputs 1.
  """
  if eqn.primitive.name == 'dot_general':
    summed = eqn.params['dimension_numbers'][0][kernel]
    return [x for k, x in enumerate(ins[kernel]) if k not in summed]
  spec = eqn.params['dimension_numbers'].rhs_spec
  groups = eqn.params['feature_group_count']
  out = ins[1][spec[0]]
  if groups > 1 and len(ins[1][spec[1]]) == 1:
    return [np.full(len(out) // groups, FIXED)]
  return [out]


_FIXED = 'it meets an axis that is no channel'


def _dot_link(atoms: Atoms, eqn: Eqn, ins: list[Axes]) -> list[Axes]:
  (left, right), (lefts, rights) = eqn.params['dimension_numbers']
  pairs = [*zip(left, right, strict=True), *zip(lefts, rights, strict=True)]
  for a, b in pairs:
    atoms.join(ins[0][a], ins[1][b], _FIXED)
  free = [x for k, x in enumerate(ins[0]) if k not in (*left, *lefts)]
  free += [x for k, x in enumerate(ins[1]) if k not in (*right, *rights)]
  return [(*(ins[0][k] for k in lefts), *free)]


def _dot_sources(eqn: Eqn) -> list[tuple[int, int]]:
  """For each axis of the result: an operand and its axis."""
  (left, right), (lefts, rights) = eqn.params['dimension_numbers']
  ranks = [len(v.aval.shape) for v in eqn.invars]
  return [
    *((0, k) for k in lefts),
    *((0, k) for k in range(ranks[0]) if k not in (*left, *lefts)),
    *((1, k) for k in range(ranks[1]) if k not in (*right, *rights)),
  ]


def _dot_rest(step: Step, seen: Sequence[Any], out: int, axis: int) -> Profile:
  """0 where a factor is."""
  eqn = step.eqn
  operand, k = _dot_sources(eqn)[axis]
  zero = seen[operand].profile(k).zero
  _, (lefts, rights) = eqn.params['dimension_numbers']
  if axis < len(lefts):
    zero = zero | seen[1].profile(rights[axis]).zero
  return Profile(np.zeros(len(zero), eqn.outvars[0].aval.dtype), zero)


RULES['dot_general'] = Rule(_dot_link, rest=_dot_rest)


def _conv_link(atoms: Atoms, eqn: Eqn, ins: list[Axes]) -> list[Axes]:
  spec, groups = (
    eqn.params[x] for x in ('dimension_numbers', 'feature_group_count')
  )
  images, kernel, outputs = (
    atoms.single(axis)
    for axis in (
      ins[0][spec.lhs_spec[1]],
      ins[1][spec.rhs_spec[1]],
      ins[1][spec.rhs_spec[0]],
    )
  )
  for k in spec.lhs_spec[2:]:
    atoms.fix(ins[0][k], 'a convolution slides over it')
  for k in spec.rhs_spec[2:]:
    atoms.fix(ins[1][k], 'a convolution slides over it')
  if eqn.params['batch_group_count'] != 1:
    for axis in (*ins[0], *ins[1]):
      atoms.fix(axis, 'a convolution has batch groups')
  if groups == 1:
    atoms.join(images, kernel, _FIXED)
  elif _by_group(eqn):
    _one_group(atoms, images.reshape(groups, -1), outputs.reshape(groups, -1))
    atoms.fix(kernel, 'it lies inside of a group')
  else:
    _alike(atoms, [*images.reshape(groups, -1), kernel])
    _alike(atoms, list(outputs.reshape(groups, -1)))
  axes = [np.full(n, FIXED) for n in eqn.outvars[0].aval.shape]
  axes[spec.out_spec[0]] = ins[0][spec.lhs_spec[0]]
  axes[spec.out_spec[1]] = outputs
  return [tuple(axes)]


def _by_group(eqn: Eqn) -> bool:
  """Whether whole groups go, as with depthwise kernels, or a part of each."""
  spec, groups = (
    eqn.params[x] for x in ('dimension_numbers', 'feature_group_count')
  )
  inside = eqn.invars[1].aval.shape[spec.rhs_spec[1]]
  return groups > 1 and groups >= inside


def _one_group(atoms: Atoms, images: Axis, outputs: Axis) -> None:
  both = np.concatenate([images, outputs], 1)
  for k in range(1, both.shape[1]):
    atoms.join(both[:, 0], both[:, k], _FIXED)


def _alike(atoms: Atoms, groups: list[Axis]) -> None:
  for other in groups[1:]:
    atoms.join(groups[0], other, _FIXED)


def _conv_bind(cut: Cut, values: list[Any]) -> list[Any]:
  eqn = cut.step.eqn
  groups = eqn.params['feature_group_count']
  if _by_group(eqn):
    images = cut.ins[0][eqn.params['dimension_numbers'].lhs_spec[1]]
    groups = int(images.reshape(groups, -1)[:, 0].sum())
  return cut.bind(values, feature_group_count=groups)


def _conv_rest(step: Step, seen: Sequence[Any], out: int, axis: int) -> Profile:
  """0 where the kernel is, or all that a group reads."""
  eqn = step.eqn
  spec, aval = eqn.params['dimension_numbers'], eqn.outvars[0].aval
  if axis == spec.out_spec[1]:
    zero = seen[1].profile(spec.rhs_spec[0]).zero
    if _by_group(eqn):
      groups = eqn.params['feature_group_count']
      read = seen[0].profile(spec.lhs_spec[1]).zero.reshape(groups, -1).all(1)
      zero = zero | np.repeat(read, len(zero) // groups)
    return Profile(np.zeros(len(zero), aval.dtype), zero)
  return unknown(aval.shape[axis], aval.dtype)


RULES['conv_general_dilated'] = Rule(_conv_link, _conv_bind, _conv_rest)
