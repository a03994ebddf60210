"""A whole search as one function to compile."""

from collections.abc import Callable
from typing import Any

import jax

from prunax.search.types import Searcher

Fitness = Callable[[Any, jax.Array], tuple[Any, jax.Array]]


def over_population(function: Callable[[Any], Any], candidates: Any) -> Any:
  """`function` of every candidate, all in one program.

  One after the other on a CPU, where batches of weights would turn a
  convolution into a far slower grouped one; side by side elsewhere.
  """
  if jax.default_backend() == 'cpu':
    return jax.lax.map(function, candidates)
  return jax.vmap(function)(candidates)


def minimize(
  searcher: Searcher,
  state: Any,
  fitness: Fitness,
  carry: Any,
  generations: int,
) -> tuple[Any, Any]:
  """Asks, evaluates and tells, `generations` times.

  Args:
    searcher: whose state `state` is.
    state: from `searcher.init`.
    fitness: (carry, candidates [popsize, dim]) -> (carry, values [popsize]).
    carry: what the fitness remembers from one generation to the next.
    generations: how often.

  Returns:
    The searcher's last state and the last carry.
  """

  def generation(both: tuple[Any, Any], _: None) -> tuple[Any, None]:
    state, carry = both
    state, candidates = searcher.ask(state)
    carry, values = fitness(carry, candidates)
    return (searcher.tell(state, candidates, values), carry), None

  found, _ = jax.lax.scan(generation, (state, carry), None, length=generations)
  return found
