"""Which weights are ranked together, and how many of them stay."""

import math
from numbers import Integral, Real
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from prunax import tree
from prunax.errors import InputError
from prunax.ops import masks
from prunax.schedules.numbers import number, whole
from prunax.transforms.per_leaf import leaf_values


class Group(NamedTuple):
  """Leaves that are ranked together, and how much of them stays."""

  leaves: tuple[int, ...]
  value: Any

  @property
  def is_count(self) -> bool:
    """Whether the value is a whole number of weights."""
    return _is_count(self.value)


def _is_count(value: Any) -> bool:
  return isinstance(value, Integral) and not isinstance(value, bool)


def is_nothing(value: Any) -> bool:
  """Whether leaves of this value are not used at all."""
  return isinstance(value, Real) and value == 0


def check_value(pattern: str, value: Any) -> None:
  """Refuses what is no count, no density, no schedule and not None."""
  if value is None or callable(value):
    return
  if _is_count(value):
    whole(f'the count of the rule {pattern!r}', value)
  elif number(f'the density of the rule {pattern!r}', value, 0) > 1:
    raise InputError(
      f'a density must be at most 1, got {value!r} for the rule {pattern!r}:'
      ' a count must be a whole number'
    )


def groups_of(params: Any, rules: tree.Rules, scope: str) -> list[Group]:
  """What is ranked together: per layer, or all leaves that have one value."""
  found: dict[Any, list[int]] = {}
  for i, (name, value) in enumerate(leaf_values(rules, params)):
    if value is not None and not is_nothing(value):
      layer = tree.parent(name) if scope == 'layer' else ''
      found.setdefault((layer, _is_count(value), value), []).append(i)
  return [Group(tuple(i), key[2]) for key, i in found.items()]


def check_counts(params: Any, groups: list[Group]) -> None:
  """Refuses to keep more weights than there are."""
  leaves, names = jax.tree.leaves(params), tree.leaf_names(params)
  for group in groups:
    size = sum(leaves[i].size for i in group.leaves)
    if group.is_count and group.value > size:
      raise InputError(
        f'a count must be at most the {size} weights of'
        f' {", ".join(names[i] for i in group.leaves)}, got {group.value}:'
        ' give a smaller one, or None'
      )


def wanted(
  group: Group, size: int, count: jax.Array, ramp: optax.Schedule | None
) -> jax.Array:
  """How many weights of a group stay at this step."""
  at = group.value
  if callable(at):
    return masks.kept(at(count), size)
  final = int(at) if group.is_count else round(float(at) * size)
  if ramp is None:
    return jnp.int32(final)
  way = ramp(count)
  fall = math.log(max(final, 1) / size)
  between = jnp.round(size * jnp.exp(fall * way)).astype(jnp.int32)
  return jnp.where(way < 1, jnp.maximum(between, final), final)
