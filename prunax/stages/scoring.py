"""Scores of channels by their names in a config."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from prunax import shrinking, tree
from prunax.errors import InputError
from prunax.losses import cross_entropy
from prunax.schedules.numbers import truth, whole
from prunax.shrinking import score as scores
from prunax.stages.types import Task


class Look(NamedTuple):
  """What a score may look at.

  Attributes:
    task: whose examples.
    variables: the weights.
    key: of what is drawn.
    examples: how many.
    rules: of the stage; a group whose rule is None needs no score.
  """

  task: Task
  variables: Any
  key: jax.Array
  examples: int
  rules: tree.Rules | None


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


def _random(look: Look) -> scores.Score:
  return scores.random(look.key)


def _cop(look: Look, **settings: Any) -> scores.Score:
  del look
  return shrinking.cop(**settings)


def _taylor(look: Look, squared: bool = True) -> scores.Score:
  x, y = looked_at(look.task, look.key, look.examples)

  def loss(variables: Any) -> jax.Array:
    return cross_entropy(look.task.model.apply(variables, x), y)

  gradients = jax.jit(jax.grad(loss))(look.variables)
  return shrinking.taylor(gradients, squared=squared)


def _pfa(look: Look) -> scores.Score:
  x, _ = looked_at(look.task, look.key, look.examples)
  apply, variables = look.task.model.apply, look.variables
  seen = shrinking.responses(apply, variables, x, rules=look.rules)
  return shrinking.pfa_energy(seen)


def _fpgm_mix(look: Look, norm_part: float = 0.1) -> scores.Score:
  del look
  return shrinking.fpgm_mix(norm_part)


def _nre(look: Look) -> scores.Score:
  x, _ = looked_at(look.task, look.key, look.examples)
  apply, variables = look.task.model.apply, look.variables
  return shrinking.nre(apply, variables, x, rules=look.rules)


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
  own = [x for x in taken if x != 'look']
  unknown = [x for x in settings if x not in own]
  if unknown:
    raise InputError(
      f'the score {name!r} may have the settings {", ".join(own) or "none"},'
      f' got {", ".join(unknown)}: leave it out of score_settings'
    )
  if name == 'cop':
    shrinking.cop(**settings)
  if name == 'fpgm_mix':
    shrinking.fpgm_mix(**settings)
  if name == 'taylor':
    truth('squared', settings.get('squared', True))


def check_model(name: str, look: Look) -> None:
  """Refuses a model whose channels a score could not see, by shapes alone."""
  if name in ('nre', 'pfa', 'pfa_kl'):
    model = look.task.model
    one = np.zeros((1, *model.input_shape), np.float32)
    shrinking.check_read(
      model.apply, look.variables, one, what=name, rules=look.rules
    )


def score_of(
  look: Look, name: str, settings: Mapping[str, Any]
) -> scores.Score:
  """The score of that name, with its own settings."""
  check(name, settings)
  if name in _MADE:
    return _MADE[name](look, **settings)
  return scores.SCORES[name]
