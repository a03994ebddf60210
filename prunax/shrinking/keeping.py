"""Which channels go where a user says what stays."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from prunax.errors import InputError
from prunax.shrinking.groups import Group
from prunax.shrinking.model import Traced


def left_out(
  traced: Traced, found: list[Group], keep: Mapping[str, Any]
) -> np.ndarray:
  """The sets of atoms that go where the user says what stays."""
  if not isinstance(keep, Mapping):
    raise InputError(
      'keep must map leaves or groups to vectors of booleans, got'
      f' {type(keep).__name__}: name the leaf of each vector'
    )
  by_id = {g.id: g for g in found}
  wanted: dict[int, bool] = {}
  for name, given in keep.items():
    vector = np.asarray(given)
    atoms = _positions(traced, by_id, name, vector)
    why = {traced.linker.cause(int(a)) for a in atoms[~vector]} - {''}
    if why or (~vector & (atoms == 0)).any():
      raise InputError(
        f'what keep cuts of {name!r} must be free to go, but'
        f' {", ".join(sorted(why)) or "it is no channel"}: keep it'
      )
    if not vector.any():
      raise InputError(
        f'keep must leave a channel of {name!r} at least, got none: keep one'
      )
    for atom, stays in zip(atoms.tolist(), vector.tolist(), strict=True):
      if wanted.setdefault(atom, stays) != stays:
        raise InputError(
          f'the vectors of keep must agree within a group, but that of {name!r}'
          ' cuts what goes with a channel that is kept: mend one'
        )
  gone = [atom for atom, stays in wanted.items() if not stays]
  return np.array(sorted(gone), np.int64)


def _positions(
  traced: Traced, by_id: Mapping[str, Group], name: str, vector: np.ndarray
) -> np.ndarray:
  """The atoms that a vector of a leaf or a group is about."""
  if vector.dtype != bool or vector.ndim != 1:
    raise InputError(
      f'keep[{name!r}] must be a vector of booleans, got'
      f' {vector.dtype} of the shape {vector.shape}: give one'
    )
  options: list[np.ndarray] = []
  if name in traced.names:
    axes = traced.axes[traced.names.index(name)]
    taken = [
      m.axis
      for g in by_id.values()
      for m in g.members
      if m.leaf == name and g.prunable
    ]
    options = [traced.linker.find(axes[k]) for k in dict.fromkeys(taken)]
  if name in by_id:
    options.insert(0, by_id[name].atoms)
  for atoms in options:
    if len(atoms) == len(vector):
      return atoms
  if not options:
    raise InputError(
      f'keep must name leaves or groups with channels, got {name!r}: they are'
      f' {", ".join(n for n, g in by_id.items() if g.prunable)}'
    )
  raise InputError(
    f'keep[{name!r}] must have {len(options[0])} entries, got {len(vector)}'
  )
