"""What a product loses with the positions that are cut."""

from collections.abc import Iterator, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from prunax.shrinking.atoms import Axis
from prunax.shrinking.products import Sum, sums
from prunax.shrinking.rule import (
  Eqn,
  Profile,
  Step,
)

# The operand of a convolution that is no kernel.
_IMAGES = 0


def leaks(
  step: Step, seen: Sequence[Any]
) -> Iterator[tuple[Axis, np.ndarray | None]]:
  """What the positions that are cut would have added to a product.

  Yields:
    atoms whose going changes the result, with what they add to it, which can
    be added in their place, or None where that depends on the input.
  """
  eqn = step.eqn
  for total in sums(eqn):
    a, b = total.axes
    gone = seen[0].cut(a)
    if not gone.any():
      continue
    held, met = seen[0].profile(a), seen[1].profile(b)
    zero = held.zero | np.tile(met.zero, total.parts)
    left = gone & ~zero
    if not left.any():
      continue
    atoms = step.ins[0][a]
    for operand, own in ((0, held), (1, met)):
      steady = left & own.known if len(own.known) == len(left) else left & False
      if steady.any() and _can_add(eqn, operand, total, seen[1 - operand]):
        added = _added(eqn, operand, total, own, steady, seen)
        yield atoms[steady], added
        left = left & ~steady
    if left.any():
      yield atoms[left], None


def _can_add(eqn: Eqn, operand: int, total: Sum, other: Any) -> bool:
  """Whether the sum of a constant operand is the same at all positions."""
  if other.concrete is None:
    return False
  if eqn.primitive.name == 'dot_general':
    return True
  plain = all(pair == (0, 0) for pair in eqn.params['padding']) and all(
    n == 1 for n in eqn.params['lhs_dilation']
  )
  return operand == _IMAGES and total.parts == 1 and plain


def _added(
  eqn: Eqn,
  operand: int,
  total: Sum,
  held: Profile,
  steady: np.ndarray,
  seen: Sequence[Any],
) -> np.ndarray:
  """The product of what is constant, with length 1 where that is enough."""
  axis = total.axes[operand]
  aval = eqn.invars[operand].aval
  shape = list(aval.shape)
  for k in _free(eqn, operand):
    shape[k] = 1
  around = [1] * len(shape)
  around[axis] = -1
  constant = np.where(steady, held.values, 0).astype(aval.dtype)
  operands = [x.concrete for x in seen]
  operands[operand] = np.broadcast_to(constant.reshape(around), shape)
  if eqn.primitive.name == 'dot_general':
    # A sum over other axes is over what is cut there, too, and once.
    operands[1 - operand] = _uncut_elsewhere(eqn, operand, total, seen)
  else:
    kernel = eqn.params['dimension_numbers'].rhs_spec
    images = eqn.params['dimension_numbers'].lhs_spec
    for i, k in zip(images[2:], kernel[2:], strict=True):
      dilation = eqn.params['rhs_dilation'][images[2:].index(i)]
      shape[i] = (eqn.invars[1].aval.shape[k] - 1) * dilation + 1
    operands[operand] = np.broadcast_to(constant.reshape(around), shape)
  return _shortened(
    eqn,
    np.asarray(
      eqn.primitive.bind(*(jnp.asarray(x) for x in operands), **eqn.params)
    ),
  )


def _shortened(eqn: Eqn, added: np.ndarray) -> np.ndarray:
  """Length 1 along batch axes where it is alike, for a batch of any size."""
  if eqn.primitive.name == 'dot_general':
    for k in range(len(eqn.params['dimension_numbers'][1][0])):
      first = added.take([0], k)
      if (added == first).all():
        added = first
  return added


def _uncut_elsewhere(
  eqn: Eqn, operand: int, total: Sum, seen: Sequence[Any]
) -> np.ndarray:
  other = seen[1 - operand]
  found = np.array(other.concrete)
  for one in sums(eqn):
    if one.axes != total.axes and one.axes < total.axes:
      k = one.axes[1 - operand]
      index: list[Any] = [slice(None)] * found.ndim
      index[k] = other.cut(k)
      found[tuple(index)] = 0
  return found


def _free(eqn: Eqn, operand: int) -> list[int]:
  """The axes of an operand that are the result's alone."""
  if eqn.primitive.name == 'dot_general':
    (left, right), (lefts, rights) = eqn.params['dimension_numbers']
    taken = ((*left, *lefts), (*right, *rights))[operand]
    return [
      k for k in range(len(eqn.invars[operand].aval.shape)) if k not in taken
    ]
  return [eqn.params['dimension_numbers'].lhs_spec[0]]
