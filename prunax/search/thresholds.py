"""Layer-wise thresholds found by search (Li, Qian, Jiang, Lu and Tang 2018)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from prunax.search.candidates import Judged, Plan, Subject, judge, masks_at
from prunax.search.loop import Fitness, minimize, over_population
from prunax.search.types import Searcher

# Masks and one candidate -> the masks it draws, and what it is worth.
Evaluate = Callable[
  [Sequence[jax.Array], jax.Array], tuple[list[jax.Array], Judged]
]


class Found(NamedTuple):
  """What a search gives.

  Attributes:
    c_rate: [layers] of the best candidate; the current ones where nothing
      was feasible.
    mask: a list of masks drawn with them; likewise.
    best: the best candidate, or the one that came nearest.
    nearest: [layers] that candidate's c_rate.
  """

  c_rate: jax.Array
  mask: list[jax.Array]
  best: Judged
  nearest: jax.Array


def _evaluation(
  accuracy: Callable[[list[jax.Array]], jax.Array],
  subject: Subject,
  floor: jax.Array,
  plan: Plan,
) -> Evaluate:
  """How one candidate is evaluated."""

  def one(
    mask: Sequence[jax.Array], c_rate: jax.Array
  ) -> tuple[list[jax.Array], Judged]:
    drawn = masks_at(subject, mask, c_rate, plan)
    leaves = [
      jnp.where(m, x, 0) for m, x in zip(drawn, subject.dense, strict=True)
    ]
    return drawn, judge(leaves, drawn, accuracy(leaves), floor, plan)

  return one


def _fitness_of_generation(one: Evaluate, plan: Plan) -> Fitness:
  """Masks and candidates -> masks and fitness; only compat changes masks."""

  def fitness(
    mask: list[jax.Array], candidates: jax.Array
  ) -> tuple[list[jax.Array], jax.Array]:
    if plan.compat:
      mask, judged = jax.lax.scan(one, mask, candidates)
      return mask, judged.fitness
    return mask, over_population(lambda c: one(mask, c)[1].fitness, candidates)

  return fitness


def _best_of_restarts(
  searcher: Searcher,
  begin: Callable[[jax.Array], Any],
  fitness: Fitness,
  first: tuple[list[jax.Array], jax.Array, jax.Array],
  keys: jax.Array,
  generations: int,
) -> tuple[list[jax.Array], jax.Array]:
  """Searches one after the other, each from the masks of the one before.

  Args:
    searcher: which search.
    begin: key -> its state at the start.
    fitness: of a generation.
    first: masks, and the best candidate so far with its fitness.
    keys: one a search.
    generations: in each of them.

  Returns:
    The masks that the last one left, and the best candidate of all.
  """

  def restart(
    carry: tuple[list[jax.Array], jax.Array, jax.Array], key: jax.Array
  ) -> tuple[Any, None]:
    mask, best_x, best = carry
    state, mask = minimize(searcher, begin(key), fitness, mask, generations)
    won = state.best_fitness < best
    return (
      mask,
      jnp.where(won, state.best_x, best_x),
      jnp.where(won, state.best_fitness, best),
    ), None

  (mask, nearest, _), _ = jax.lax.scan(restart, first, keys)
  return mask, nearest


def search(
  searcher: Searcher,
  settings: Mapping[str, Any],
  accuracy: Callable[[list[jax.Array]], jax.Array],
  subject: Subject,
  floor: jax.Array,
  key: jax.Array,
  plan: Plan,
) -> Found:
  """The best thresholds under the constraint, as one function to compile.

  Args:
    searcher: which search.
    settings: more arguments of its `init`, such as sigma.
    accuracy: a list of masked leaves -> a number from 0 to 1.
    subject: the weights and where their thresholds are now.
    floor: the least accuracy.
    key: decides all samples.
    plan: what does not change.
  """
  lower = jnp.where(subject.searched, plan.lower, subject.c_rate)
  upper = jnp.where(subject.searched, plan.upper, subject.c_rate)

  def begin(key: jax.Array) -> Any:
    return searcher.init(
      key,
      subject.c_rate,
      lower,
      upper,
      popsize=plan.popsize,
      generations=plan.generations,
      **settings,
    )

  one = _evaluation(accuracy, subject, floor, plan)
  # The current thresholds are a candidate too: the first, as in the release.
  drawn, start = one(subject.mask, subject.c_rate)
  mask = drawn if plan.compat else subject.mask
  mask, nearest = _best_of_restarts(
    searcher,
    begin,
    _fitness_of_generation(one, plan),
    (mask, subject.c_rate, start.fitness),
    jax.random.split(key, plan.restarts),
    plan.generations,
  )
  drawn, best = one(mask, nearest)
  # The release redraws from what its last candidate left: no longer the mask
  # that was evaluated, and so perhaps no longer feasible.
  keep = best.feasible | plan.compat
  return Found(
    c_rate=jnp.where(keep, nearest, subject.c_rate),
    mask=[
      jnp.where(keep, new, old)
      for new, old in zip(drawn, subject.mask, strict=True)
    ],
    best=best,
    nearest=nearest,
  )
