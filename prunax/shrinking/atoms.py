"""Positions of axes that must stay or go together: sets that only grow.

An axis is an array of atoms, one for each position: [n], or [n, r] where axes
were merged that may all have channels; then a position stays if all r stay.
"""

from collections.abc import Sequence

import numpy as np

# What is no part of any channel: examples, pixels, inputs, outputs.
FIXED = 0

Axis = np.ndarray
Axes = tuple[Axis, ...]


# Why an axis has no channels that could go.
EMPTY = 'an array that it is on is empty'
_MERGED = 'it is merged with the channels of another axis'


class Atoms:
  """Numbered positions, joined where a program makes them one.

  The atom 0 is all that can never go. Whatever is joined with it, or fixed
  for a reason, stays too.
  """

  def __init__(self) -> None:
    self._parent = np.zeros(1024, np.int64)
    self._cause = np.zeros(1024, np.int64)
    self._causes = ['']
    self.size = 1

  def fresh(self, n: int) -> Axis:
    """New atoms that nothing is joined with."""
    while self.size + n > len(self._parent):
      self._parent = np.concatenate([self._parent, np.zeros_like(self._parent)])
      self._cause = np.concatenate([self._cause, np.zeros_like(self._cause)])
    made = np.arange(self.size, self.size + n)
    self._parent[made] = made
    self.size += n
    return made

  def find(self, atoms: Axis) -> Axis:
    """The least atom of the set that each one is in."""
    while True:
      up = self._parent[atoms]
      higher = self._parent[up]
      if np.array_equal(up, higher):
        return up
      # The walk of the next who asks is shorter.
      self._parent[atoms] = higher
      atoms = higher

  def join(self, one: Axis, other: Axis, why: str) -> None:
    """Makes one of each pair; `why` it would be fixed, should one be."""
    if one is other:
      return
    if one.ndim == 1 and other.ndim == 1:
      self._join(one, other, why)
      return
    left, right = self.columns(one), self.columns(other)
    ways = [_parts(self.find(column)) for column in right]
    pairs: list[tuple[int, int]] = []
    for i, column in enumerate(left):
      way = _parts(self.find(column))
      for j, other_way in enumerate(ways):
        if np.array_equal(way, other_way) and j not in [q for _, q in pairs]:
          pairs.append((i, j))
          break
    # What has no equal stays, so that the others can go.
    pairs = pairs or [(0, 0)][: min(len(left), len(right))]
    for i, j in pairs:
      self._join(left[i], right[j], why)
    for i, column in enumerate(left):
      if i not in [p for p, _ in pairs]:
        self.fix(column, _MERGED if right else why)
    for j, column in enumerate(right):
      if j not in [q for _, q in pairs]:
        self.fix(column, _MERGED if left else why)

  def columns(self, axis: Axis) -> list[Axis]:
    """The atoms [n] of each of the merged axes that may have channels."""
    each = [axis] if axis.ndim == 1 else list(axis.T)
    return [column for column in each if not self.fixed(column).all()]

  def merged(self, columns: list[Axis], n: int) -> Axis:
    """One axis of the atoms of several."""
    if not columns:
      return np.full(n, FIXED)
    return columns[0] if len(columns) == 1 else np.stack(columns, 1)

  def single(self, axis: Axis) -> Axis:
    """The atoms [n] of the first merged axis with channels; others stay."""
    first, *others = [*self.columns(axis), np.full(len(axis), FIXED)]
    for column in others:
      self.fix(column, _MERGED)
    return first

  def _join(self, one: Axis, other: Axis, why: str) -> None:
    a, b = self.find(one), self.find(other)
    apart = a != b
    if not apart.any():
      return
    a, b = a[apart], b[apart]
    self._fix(np.concatenate([a[b == FIXED], b[a == FIXED]]), why)
    both = (a != FIXED) & (b != FIXED)
    a, b = a[both], b[both]
    while a.size:
      low, high = np.minimum(a, b), np.maximum(a, b)
      causes = self._cause[high]
      np.minimum.at(self._parent, high, low)
      rooted = self.find(high)
      caused = causes != 0
      self._cause[rooted[caused]] = causes[caused]
      a, b = rooted, self.find(low)
      apart = a != b
      a, b = a[apart], b[apart]

  def fix(self, atoms: Axis, why: str) -> None:
    """These stay, and all that is joined with them, for that reason."""
    self._fix(self.find(atoms.reshape(-1)), why)

  def _fix(self, roots: Axis, why: str) -> None:
    roots = roots[(roots != FIXED) & (self._cause[roots] == 0)]
    if roots.size:
      self._cause[roots] = len(self._causes)
      self._causes.append(why)

  def marked(self, marks: np.ndarray, axis: Axis, every: bool) -> np.ndarray:
    """Which positions have marked atoms: every one of them, or any."""
    found = marks[self.find(axis)]
    if found.ndim == 1:
      return found
    return found.all(1) if every else found.any(1)

  def fixed(self, atoms: Axis) -> np.ndarray:
    """Which of them can never go."""
    roots = self.find(atoms)
    return (roots == FIXED) | (self._cause[roots] != 0)

  def cause(self, atom: int) -> str:
    """Why an atom can never go, or nothing."""
    return self._causes[self._cause[self.find(np.array([atom]))[0]]]


def _parts(atoms: Axis) -> np.ndarray:
  """Which positions have the same atom, whatever it is."""
  _, first, which = np.unique(atoms, return_index=True, return_inverse=True)
  return first[which]


def joined_ends(parts: Sequence[Axis]) -> Axis:
  """The axes end to end."""
  if all(part.ndim == 1 for part in parts):
    return np.concatenate(parts)
  wide = [part.reshape(len(part), -1) for part in parts]
  most = max(part.shape[1] for part in wide)
  return np.concatenate(
    [np.pad(part, ((0, 0), (0, most - part.shape[1]))) for part in wide]
  )


def fixed_axes(shape: tuple[int, ...]) -> Axes:
  """Axes no position of which is part of a channel."""
  return tuple(np.zeros(n, np.int64) for n in shape)
