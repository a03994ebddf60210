"""Which weights are ranked together, and how many of them stay."""

import math
from numbers import Integral, Real
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from prunax import tree
from prunax.errors import InputError
from prunax.ops import masks
from prunax.schedules.numbers import number, whole
from prunax.transforms.per_leaf import weight_values


class Group(NamedTuple):
  """Leaves that are ranked together, and how much of them stays."""

  leaves: tuple[int, ...]
  value: Any

  @property
  def is_count(self) -> bool:
    """Whether the value is a whole number of weights."""
    return _is_count(self.value)


def plain_rules(rules: Any) -> tree.Rules:
  """The rules, with numbers of Python in place of arrays of one number.

  >>> plain_rules([('.*/kernel', jnp.int32(10)), ('.*', None)])
  [('.*/kernel', 10), ('.*', None)]
  """
  tree.check_rules(rules)
  return [(pattern, _plain(value)) for pattern, value in rules]


def _plain(value: Any) -> Any:
  known = isinstance(value, (jax.Array, np.ndarray)) and not isinstance(
    value, jax.core.Tracer
  )
  return value.item() if known and value.ndim == 0 else value


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
  """What is ranked together: the leaves of a rule, by layer or all of them."""
  found: dict[Any, list[int]] = {}
  # Places in place of values: two rules of one count have that count each.
  numbered = [(pattern, at) for at, (pattern, _) in enumerate(rules)]
  for i, (name, at) in enumerate(weight_values(numbered, params)):
    value = None if at is None else rules[at][1]
    if value is not None and not is_nothing(value):
      layer = tree.parent(name) if scope == 'layer' else ''
      found.setdefault((layer, at), []).append(i)
  return [Group(tuple(i), rules[key[1]][1]) for key, i in found.items()]


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
  # A density above 0 keeps at least one weight.
  final = int(at) if group.is_count else max(round(float(at) * size), 1)
  if ramp is None:
    return jnp.int32(final)
  way = ramp(count)
  fall = math.log(max(final, 1) / size)
  between = jnp.round(size * jnp.exp(fall * way)).astype(jnp.int32)
  return jnp.where(way < 1, jnp.maximum(between, final), final)
