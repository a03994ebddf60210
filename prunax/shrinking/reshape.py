"""Reshapes: axes that are merged and split."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from prunax.shrinking.atoms import EMPTY, FIXED, Atoms, Axes, Axis
from prunax.shrinking.rule import (
  RULES,
  Cut,
  Eqn,
  Profile,
  Rule,
  Step,
  unknown,
)


class Block(NamedTuple):
  """Neighbouring axes that become neighbouring axes of the same size."""

  ins: range
  outs: range


def blocks(before: Sequence[int], after: Sequence[int]) -> Iterator[Block]:
  """The smallest parts into which a reshape falls.

  >>> [tuple(map(list, b)) for b in blocks((2, 6, 4), (2, 2, 3, 4))]
  [([0], [0]), ([1], [1, 2]), ([2], [3])]
  """
  i = j = 0
  while i < len(before) or j < len(after):
    first, second = i, j
    left = right = 1
    while True:
      if left <= right and i < len(before):
        left, i = left * before[i], i + 1
      elif j < len(after):
        right, j = right * after[j], j + 1
      if left == right and (i > first or i == len(before)):
        break
    # Axes of one position go with those before them.
    if left == 1 and right == 1:
      while i < len(before) and before[i] == 1:
        i += 1
      while j < len(after) and after[j] == 1:
        j += 1
    yield Block(range(first, i), range(second, j))


def _merged(atoms: Atoms, axes: list[Axis]) -> Axis:
  """The atoms of each position of several axes, all of them in rows."""
  shape = [len(x) for x in axes]
  columns = []
  for k, axis in enumerate(axes):
    around = [1] * len(shape)
    around[k] = len(axis)
    for column in atoms.columns(axis) if len(axis) > 1 else []:
      grid = np.broadcast_to(column.reshape(around), shape)
      columns.append(grid.reshape(-1))
  return atoms.merged(columns, math.prod(shape))


def _split(atoms: Atoms, flat: Axis, shape: Sequence[int]) -> list[Axis]:
  """The axes of positions in rows."""
  columns: list[list[Axis]] = [[] for _ in shape]
  for column in atoms.columns(flat):
    k, one = _along(atoms, column, shape)
    columns[k].append(one)
  return [atoms.merged(c, n) for c, n in zip(columns, shape, strict=True)]


def _along(
  atoms: Atoms, column: Axis, shape: Sequence[int]
) -> tuple[int, Axis]:
  """The axis along which atoms vary, which others are made not to."""
  grid, own = atoms.find(column).reshape(shape), column.reshape(shape)

  def parts(x: np.ndarray, k: int) -> np.ndarray:
    return np.moveaxis(x, k, 0).reshape(shape[k], -1)

  for k, n in enumerate(shape):
    rows = parts(grid, k)
    if n > 1 and (rows == rows[:, :1]).all():
      return k, parts(own, k)[:, 0]
  # Whole parts stay or go: attention heads, groups of channels.
  k = next((k for k, n in enumerate(shape) if n > 1), 0)
  rows = parts(own, k)
  for other in range(1, rows.shape[1]):
    atoms.join(rows[:, 0], rows[:, other], 'its axis is split')
  return k, rows[:, 0]


def link(atoms: Atoms, eqn: Eqn, ins: list[Axes]) -> list[Axes]:
  before, after = ins[0], eqn.outvars[0].aval.shape
  if math.prod(after) == 0:
    for axis in before:
      atoms.fix(axis, EMPTY)
    return [tuple(np.full(n, FIXED) for n in after)]
  axes: list[Axis] = []
  for block in blocks([len(x) for x in before], after):
    inside, shape = (
      [before[i] for i in block.ins],
      [after[j] for j in block.outs],
    )
    flat = _merged(atoms, inside)
    axes += _split(atoms, flat, shape) if shape else []
  return [tuple(axes)]


def bind(cut: Cut, values: list[Any]) -> list[Any]:
  name = 'new_sizes' if 'new_sizes' in cut.step.eqn.params else 'shape'
  return cut.bind(values, **{name: cut.shape()})


def _spread(
  held: Profile, x: Any, block: Block, i: int, after: Sequence[int], axis: int
) -> Profile:
  """What one axis of a block says of an axis that it becomes part of."""
  shape = [x.shape[k] for k in block.ins]
  around = [1] * len(shape)
  around[block.ins.index(i)] = -1
  outside = [after[k] for k in block.outs]
  at = block.outs.index(axis)

  def spread(v: np.ndarray) -> np.ndarray:
    grid = np.broadcast_to(v.reshape(around), shape).reshape(outside)
    return np.moveaxis(grid, at, 0).reshape(after[axis], -1)

  values, known = spread(held.values), spread(held.known)
  same = (values == values[:, :1]).all(1)
  return Profile(values[:, 0], known.all(1) & same)


def rest(step: Step, seen: Sequence[Any], out: int, axis: int) -> Profile:
  """An axis holds what the positions held that it is made of."""
  x, after = seen[0], step.eqn.outvars[0].aval
  n = after.shape[axis]
  for block in blocks(x.shape, after.shape):
    if axis not in block.outs:
      continue
    held = [
      _spread(x.profile(i), x, block, i, after.shape, axis)
      for i in block.ins
      if x.cut(i).any()
    ]
    if len(held) == 1:
      return held[0]
    zero = np.any([p.zero for p in held], axis=0) if held else np.zeros(n, bool)
    return Profile(np.zeros(n, after.dtype), zero)
  return unknown(n, after.dtype)


RULES['reshape'] = Rule(link, bind, rest)
