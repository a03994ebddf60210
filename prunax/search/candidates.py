"""A candidate of the search for thresholds: its masks, and how good it is.

A candidate is one `c_rate` a layer. Its fitness is the share of the entries
that it leaves alive, under the constraint that accuracy stays above a floor.
"""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp

from prunax import tree
from prunax.errors import InputError
from prunax.ops import masks
from prunax.schedules.numbers import number, whole

# Emptied layers rank behind every violation of the accuracy, at most 1.
_EMPTIED = 3.0
# What the released code gives every candidate that misses the floor.
_RELEASED_PENALTY = 1.1


class Subject(NamedTuple):
  """What is searched over: weights, their masks, and the layers' thresholds.

  Attributes:
    dense: a list of all leaves, as they would be without a mask.
    mask: a list of their masks.
    mean: [layers] of each ruled layer, as surgery took it.
    std: [layers]
    c_rate: [layers] the current ones.
    searched: [layers] which ones the search may change.
  """

  dense: list[jax.Array]
  mask: list[jax.Array]
  mean: jax.Array
  std: jax.Array
  c_rate: jax.Array
  searched: jax.Array


@dataclasses.dataclass(frozen=True)
class Plan:
  """What does not change from one search to the next.

  Attributes:
    layers: for each ruled layer the places of its leaves that are pruned.
    lower: the least c_rate.
    upper: the largest c_rate.
    popsize: candidates in a generation.
    generations: generations in a search.
    restarts: searches one after the other, of which the best counts.
    band: a weight is pruned at or below band[0] * T, spliced above
      band[1] * T.
    allow_empty: whether a layer may lose its last weight.
    compat: as in the released code: each candidate starts from the masks
      that the one before left, and all that miss the floor are equally bad.
  """

  layers: tuple[tuple[int, ...], ...]
  lower: float = 0.0
  upper: float = 20.0
  popsize: int = 10
  generations: int = 16
  restarts: int = 1
  band: tuple[float, float] = (0.9, 1.1)
  allow_empty: bool = False
  compat: bool = False

  def __post_init__(self) -> None:
    number('lower', self.lower)
    number('upper', self.upper)
    if self.lower >= self.upper:
      raise InputError(
        'the bounds of c_rate must have lower < upper, got'
        f' {self.lower} and {self.upper}: mend them'
      )
    for name in ('popsize', 'generations', 'restarts'):
      whole(name, getattr(self, name), 1)

  @property
  def evaluations(self) -> int:
    """How many candidates one search evaluates, the current one included."""
    return 1 + self.restarts * self.popsize * self.generations


def masks_at(
  subject: Subject, mask: Sequence[jax.Array], c_rate: jax.Array, plan: Plan
) -> list[jax.Array]:
  """The masks that thresholds mean + c_rate * std draw from `mask`."""
  limits = masks.threshold(subject.mean, subject.std, c_rate)
  low, high = plan.band
  drawn = list(mask)
  for places, limit in zip(plan.layers, limits, strict=True):
    for i in places:
      drawn[i] = masks.hysteresis(
        subject.dense[i], mask[i], low * limit, high * limit
      )
  return drawn


class Judged(NamedTuple):
  """A candidate: its fitness, and what that is made of."""

  fitness: jax.Array
  accuracy: jax.Array
  alive: jax.Array
  feasible: jax.Array
  emptied: jax.Array


def judge(
  leaves: Sequence[jax.Array],
  mask: Sequence[jax.Array],
  accuracy: jax.Array,
  floor: jax.Array | float,
  plan: Plan,
) -> Judged:
  """The alive share where accuracy >= floor; above 1 by the violation else.

  A layer is emptied when its last kernel weight is gone, whatever biases are
  left. A NaN ranks behind everything.

  >>> plan = Plan(layers=((0,), (1,)))
  >>> leaves = [jnp.ones((2, 3)), jnp.ones((2, 2))]
  >>> mask = [x > 0 for x in leaves]
  >>> [float(judge(leaves, mask, a, 0.5, plan).fitness) for a in (0.5, 0.25)]
  [1.0, 1.25]
  """
  alive, size, emptied = jnp.int32(0), 0, jnp.bool_(False)
  for places in plan.layers:
    kernels = [i for i in places if tree.is_kernel(leaves[i])] or places
    emptied |= ~jnp.any(jnp.stack([jnp.any(mask[i]) for i in kernels]))
    alive += sum(jnp.sum(mask[i], dtype=jnp.int32) for i in places)
    size += sum(leaves[i].size for i in places)
  emptied &= not plan.allow_empty
  missed = _RELEASED_PENALTY if plan.compat else 1 + (floor - accuracy)
  value = jnp.where(accuracy >= floor, alive / size, missed)
  value = jnp.where(emptied, _EMPTIED, value)
  value = jnp.where(jnp.isnan(accuracy), jnp.inf, value)
  return Judged(
    fitness=value.astype(jnp.float32),
    accuracy=jnp.asarray(accuracy),
    alive=alive,
    feasible=(accuracy >= floor) & ~emptied,
    emptied=emptied,
  )
