"""Scores of channels by their names in a config."""

from collections.abc import Callable, Mapping
from typing import Any

import jax

from prunax.errors import InputError
from prunax.shrinking import cop
from prunax.shrinking import score as scores
from prunax.stages.types import Task


def _random(task: Task, variables: Any, key: jax.Array) -> scores.Score:
  del task, variables
  return scores.random(key)


def _cop(
  task: Task, variables: Any, key: jax.Array, **settings: Any
) -> scores.Score:
  del task, variables, key
  return cop(**settings)


# What needs a key, settings or examples; others are scores as they stand.
_MADE: dict[str, Callable[..., scores.Score]] = {
  'random': _random,
  'cop': _cop,
}


def score_of(
  task: Task,
  variables: Any,
  key: jax.Array,
  name: str,
  settings: Mapping[str, Any],
) -> scores.Score:
  """The score of that name.

  Args:
    task: whose examples some scores look at.
    variables: the weights.
    key: of what is drawn.
    name: the score.
    settings: its own.
  """
  known = {**_MADE, **scores.SCORES}
  if name not in known:
    raise InputError(
      f'score must be one of {", ".join(known)}, got {name!r}: name one'
    )
  if name in _MADE:
    return _MADE[name](task, variables, key, **settings)
  if settings:
    raise InputError(
      f'the score {name!r} has no settings, got {", ".join(settings)}: leave'
      ' score_settings out'
    )
  return scores.SCORES[name]
