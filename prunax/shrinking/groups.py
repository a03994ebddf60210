"""The channels of a model: what goes together, in which leaves."""

from collections import defaultdict
from typing import Any, NamedTuple

import numpy as np

from prunax.shrinking.model import Traced


class Member(NamedTuple):
  """An axis of a leaf that a group of channels lies on.

  Attributes:
    leaf: its name.
    axis: the axis.
    block: how many of its positions are one channel.
  """

  leaf: str
  axis: int
  block: int


class Group(NamedTuple):
  """Channels that lie on the same axes, each to be cut by itself.

  Attributes:
    id: the name of the first leaf that makes them.
    size: how many there are.
    members: where they are made, and what belongs to them.
    consumers: where products sum over them.
    prunable: whether they may be cut.
    why: the reason if not.
    atoms: [size] the sets of positions.
    places: by leaf and axis, [size, block] where each channel lies.
  """

  id: str
  size: int
  members: tuple[Member, ...]
  consumers: tuple[Member, ...]
  prunable: bool
  why: str
  atoms: np.ndarray
  places: dict[tuple[str, int], np.ndarray]


def summed(traced: Traced) -> set[tuple[str, int]]:
  """The axes of leaves that products sum over, and that nothing else shows."""
  linker = traced.linker
  consumed, made = np.zeros((2, linker.size), bool)
  for mark, axes in ((consumed, linker.summed), (made, linker.made)):
    for axis in axes:
      mark[axis] = True
  consumed &= ~made
  consumed[0] = False
  return {
    (name, k)
    for name, axes in zip(traced.names, traced.axes, strict=True)
    for k, axis in enumerate(axes)
    if consumed[axis].any()
  }


def groups(traced: Traced) -> list[Group]:
  """All groups of channels, in the order of the leaves."""
  linker = traced.linker
  places: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
  for i, axes in enumerate(traced.axes):
    for k, axis in enumerate(axes):
      atoms, counts = np.unique(linker.find(axis), return_counts=True)
      for atom, count in zip(atoms.tolist(), counts.tolist(), strict=True):
        places[atom].append((i, k, count))
  places.pop(0, None)
  alike: dict[Any, list[int]] = defaultdict(list)
  for atom, where in places.items():
    alike[tuple(where)].append(atom)
  taken: dict[str, int] = {}
  consumed = summed(traced)
  found = []
  for where, same in alike.items():
    group = _group(traced, consumed, where, np.array(sorted(same)))
    if group is not None:
      count = taken[group.id] = taken.get(group.id, 0) + 1
      name = group.id if count == 1 else f'{group.id}~{count}'
      found.append(group._replace(id=name))
  return found


def positions(roots: np.ndarray, atoms: np.ndarray) -> np.ndarray:
  """Where the atoms of a group, in order, lie on an axis."""
  at = np.flatnonzero(np.isin(roots, atoms))
  return at[np.argsort(np.searchsorted(atoms, roots[at]), kind='stable')]


def _group(
  traced: Traced, consumed: set[tuple[str, int]], where: Any, atoms: np.ndarray
) -> Group | None:
  linker = traced.linker
  places = [Member(traced.names[i], k, count) for i, k, count in where]
  members = tuple(m for m in places if (m.leaf, m.axis) not in consumed)
  consumers = tuple(m for m in places if (m.leaf, m.axis) in consumed)
  why = next((linker.cause(a) for a in atoms.tolist() if linker.cause(a)), '')
  longest = max(len(traced.axes[i][k]) for i, k, _ in where)
  single = longest == 1 or (why and len(atoms) == 1)
  if 'slides over' in why or not members or single:
    return None
  kernels = [
    m for m in members if len(traced.axes[traced.names.index(m.leaf)]) > 1
  ]
  first = (kernels or list(members))[0]
  order = {}
  for i, k, _ in where:
    at = positions(linker.find(traced.axes[i][k]), atoms)
    order[traced.names[i], k] = at.reshape(len(atoms), -1)
  return Group(
    first.leaf, len(atoms), members, consumers, not why, why, atoms, order
  )
