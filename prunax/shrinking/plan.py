"""What a cut model is, as plain data: what of each leaf is kept."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
import optax

from prunax import averages, tree
from prunax.errors import InputError

Masks = Mapping[str, Mapping[int, np.ndarray]]


class Plan(NamedTuple):
  """What is kept of each leaf.

  Attributes:
    shapes: of all leaves, before the cut.
    kept: by leaf and axis, where something is cut, what is kept.
    summed: the axes of leaves that products sum over and nothing else shows.
    added: by the mark of a product, what is added in place of constants that
      were cut.
    zeroed: by leaf and axis, where channels were to go but stay as 0, those
      that are not.
    before: of a model that was cut already, the plan of that cut; else None.
  """

  shapes: dict[str, tuple[int, ...]]
  kept: dict[str, dict[int, np.ndarray]]
  summed: frozenset[tuple[str, int]]
  added: dict[str, np.ndarray]
  zeroed: Masks
  before: 'Plan | None' = None

  def chain(self) -> list['Plan']:
    """The plans of all cuts, in their order."""
    plans = [self]
    while plans[0].before is not None:
      plans.insert(0, plans[0].before)
    return plans

  def left(self) -> dict[str, tuple[int, ...]]:
    """The shapes of all leaves after the cut."""
    return {
      name: tuple(
        int(self.kept[name][k].sum()) if k in self.kept.get(name, {}) else n
        for k, n in enumerate(shape)
      )
      for name, shape in self.shapes.items()
    }

  def cut(self, variables: Any) -> Any:
    """A tree of the model's full shapes, with what is kept of each leaf.

    Weights, gradients, averages or another checkpoint: any tree with the same
    names.
    """
    return self._mapped(variables, _cut)

  def mask(self, variables: Any) -> Any:
    """The full tree with 0 in all that makes a channel that was to go."""

    names = list(self.shapes)
    # A removed channel's need not be 0.
    kept_as_is = {
      n for n, x in zip(names, averages.flags(names), strict=True) if x
    }

    def masked(name: str, x: Any, kept: Mapping[int, np.ndarray]) -> Any:
      if name in kept_as_is:
        return x
      for masks in (kept, self.zeroed.get(name, {})):
        for k, mask in masks.items():
          if (name, k) not in self.summed:
            around = [1] * np.ndim(x)
            around[k] = -1
            x = np.where(mask.reshape(around), x, np.zeros_like(x))
      return x

    return self._mapped(variables, masked)

  def cut_state(self, tx: optax.GradientTransformation, state: Any) -> Any:
    """An optimizer's state, cut wherever it holds trees like the variables.

    Like a part of them, too, such as their `params`, or without what
    `optax.masked` hides.
    """
    del tx
    found = 0

    def cut(node: Any) -> Any:
      nonlocal found
      above = self._above(node)
      if above is None:
        return node
      found += 1
      leaves, structure = jax.tree.flatten(node)
      names = [above + name for name in tree.leaf_names(node)]
      kept = [
        self.kept.get(n, {}) if np.ndim(x) else {}
        for n, x in zip(names, leaves, strict=True)
      ]
      new = [_cut(n, x, k) for n, x, k in zip(names, leaves, kept, strict=True)]
      return jax.tree.unflatten(structure, new)

    made = jax.tree.map(
      cut, state, is_leaf=lambda node: self._above(node) is not None
    )
    if not found and any(np.ndim(x) for x in jax.tree.leaves(state)):
      raise InputError(
        'a state must hold trees like the variables of the plan, got none in'
        f' {", ".join(tree.leaf_names(state)[:4])}: give the state of an'
        " optimizer of the model's own variables"
      )
    return made

  def _above(self, node: Any) -> str | None:
    """The path of which a tree is the part of the variables, if it is one."""
    try:
      names = tree.leaf_names(node)
    except (ValueError, TypeError):
      return None
    if not names or '' in names:
      return None
    shapes = [np.shape(x) for x in jax.tree.leaves(node)]
    first = names[0]
    for own in self.shapes:
      above = own.removesuffix(first)
      if above + first != own or not (above == '' or above.endswith('/')):
        continue
      if all(
        above + name in self.shapes and shape in ((), self.shapes[above + name])
        for name, shape in zip(names, shapes, strict=True)
      ):
        return above
    return None

  def _mapped(self, variables: Any, function: Any) -> Any:
    leaves, structure = jax.tree.flatten(variables)
    names = tree.leaf_names(variables)
    other = set(names) ^ set(self.shapes)
    if other:
      raise InputError(
        'a tree must have the leaves of the plan, got others at'
        f' {", ".join(sorted(other)[:4])}: cut it by the plan of its own model'
      )
    found = []
    for name, x in zip(names, leaves, strict=True):
      if np.ndim(x) and np.shape(x) != self.shapes[name]:
        raise InputError(
          f'{name} must have the shape {self.shapes[name]} of the plan, got'
          f' {np.shape(x)}: cut a tree of full size'
        )
      kept = self.kept.get(name, {}) if np.ndim(x) else {}
      found.append(function(name, x, kept))
    return jax.tree.unflatten(structure, found)


def _cut(name: str, x: Any, kept: Mapping[int, np.ndarray]) -> Any:
  del name
  for k, mask in kept.items():
    x = x.take(np.flatnonzero(mask), k)
  return x
