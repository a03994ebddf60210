"""Scores of channels by their names in a config."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from prunax import shrinking
from prunax.errors import InputError
from prunax.losses import cross_entropy
from prunax.schedules.numbers import whole
from prunax.shrinking import score as scores
from prunax.stages.types import Task


def looked_at(task: Task, key: jax.Array, count: int) -> tuple[Any, Any]:
  """Training examples, as the model sees them, and their labels."""
  most = len(task.examples.y)
  if whole('examples', count, 1) > most:
    raise InputError(
      f'examples must be at most the {most} that are trained on, got {count}:'
      ' look at fewer'
    )
  rows = np.asarray(jax.random.choice(key, most, (count,), replace=False))
  x, y = task.examples.x[rows], task.examples.y[rows]
  return task.examples.scale(jnp.asarray(x)), jnp.asarray(y)


def _random(
  task: Task, variables: Any, key: jax.Array, examples: int
) -> scores.Score:
  del task, variables, examples
  return scores.random(key)


def _cop(
  task: Task, variables: Any, key: jax.Array, examples: int, **settings: Any
) -> scores.Score:
  del task, variables, key, examples
  return shrinking.cop(**settings)


def _taylor(
  task: Task,
  variables: Any,
  key: jax.Array,
  examples: int,
  squared: bool = True,
) -> scores.Score:
  x, y = looked_at(task, key, examples)

  def loss(variables: Any) -> jax.Array:
    return cross_entropy(task.model.apply(variables, x), y)

  return shrinking.taylor(jax.jit(jax.grad(loss))(variables), squared=squared)


def _pfa(
  task: Task, variables: Any, key: jax.Array, examples: int
) -> scores.Score:
  x, _ = looked_at(task, key, examples)
  seen = shrinking.responses(task.model.apply, variables, x)
  return shrinking.pfa_energy(seen)


def _fpgm_mix(
  task: Task,
  variables: Any,
  key: jax.Array,
  examples: int,
  norm_part: float = 0.1,
) -> scores.Score:
  del task, variables, key, examples
  return shrinking.fpgm_mix(norm_part)


def _nre(
  task: Task, variables: Any, key: jax.Array, examples: int
) -> scores.Score:
  x, _ = looked_at(task, key, examples)
  return shrinking.nre(task.model.apply, variables, x)


# What needs a key, settings or examples; others are scores as they stand.
_MADE: dict[str, Callable[..., scores.Score]] = {
  'random': _random,
  'cop': _cop,
  'taylor': _taylor,
  'pfa': _pfa,
  'nre': _nre,
  'fpgm_mix': _fpgm_mix,
}


def check(name: str, settings: Mapping[str, Any]) -> None:
  """Refuses a score that nobody knows, and settings that it does not have."""
  known = {**scores.SCORES, **_MADE}
  if name not in known:
    raise InputError(
      f'score must be one of {", ".join(known)}, got {name!r}: name one'
    )
  made = shrinking.cop if name == 'cop' else _MADE.get(name)
  taken = inspect.signature(made).parameters if made else {}
  own = [x for x in taken if x not in ('task', 'variables', 'key', 'examples')]
  unknown = [x for x in settings if x not in own]
  if unknown:
    raise InputError(
      f'the score {name!r} may have the settings {", ".join(own) or "none"},'
      f' got {", ".join(unknown)}: leave it out of score_settings'
    )
  if name == 'cop':
    shrinking.cop(**settings)


def score_of(
  task: Task,
  variables: Any,
  key: jax.Array,
  name: str,
  examples: int,
  settings: Mapping[str, Any],
) -> scores.Score:
  """The score of that name.

  Args:
    task: whose examples some scores look at.
    variables: the weights.
    key: of what is drawn.
    name: the score.
    examples: how many examples it looks at, if it looks at any.
    settings: its own.
  """
  check(name, settings)
  if name in _MADE:
    return _MADE[name](task, variables, key, examples, **settings)
  return scores.SCORES[name]
