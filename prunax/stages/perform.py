"""The stages by their kinds: performed, or rehearsed."""

import inspect
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import optax

from prunax import data, train
from prunax.errors import InputError
from prunax.hooks import Hook
from prunax.models import Model
from prunax.stages.filters import filters
from prunax.stages.olmp import olmp
from prunax.stages.pruning import gradual, score, surgery
from prunax.stages.quantizing import inq, qat
from prunax.stages.sharing import prune_once, share
from prunax.stages.slimming import slim, soft
from prunax.stages.tidying import rounding, tidy
from prunax.stages.training import dense, finetune
from prunax.stages.types import Outcome, Stage, Task

STAGES: dict[str, Stage] = {
  'dense': dense,
  'surgery': surgery,
  'olmp': olmp,
  'gradual': gradual,
  'score': score,
  'prune_once': prune_once,
  'share': share,
  'inq': inq,
  'qat': qat,
  'slim': slim,
  'soft': soft,
  'filters': filters,
  'finetune': finetune,
  'tidy': tidy,
  'round': rounding,
}


def perform(
  kind: str,
  task: Task,
  variables: Any,
  key: jax.Array,
  settings: dict[str, Any],
) -> Outcome:
  """Runs the stage of that kind.

  Raises:
    InputError: if the kind or a setting is unknown, or one is missing.
  """
  if kind not in STAGES:
    raise InputError(
      f'the kind of a stage must be one of {", ".join(STAGES)}, got {kind!r}'
    )
  stage = STAGES[kind]
  try:
    inspect.signature(stage).bind(task, variables, key, **settings)
  except TypeError as e:
    known = list(inspect.signature(stage).parameters)[3:]
    raise InputError(
      f'a stage {kind!r} must have settings among {", ".join(known)}, but {e}:'
      ' mend the config'
    ) from None
  return stage(task, variables, key, **settings)


class _Rehearsed(Exception):
  """A stage has come as far as its training."""


def rehearse(
  name: str,
  model: Model,
  settings: Mapping[str, Any],
  constraint: int = 1,
  uncut: bool = True,
) -> None:
  """Refuses what a config says of a stage before any time is spent on it.

  The stage runs, on weights of the right shapes, as far as its training,
  which is one abstract step.

  Args:
    name: the stage's name, for the sentence if it is refused.
    model: the model that will be trained.
    settings: the stage's kind and settings.
    constraint: how many examples are held out for searches, at most 1.
    uncut: whether no stage before cuts channels.
  """

  def fit(
    variables: Any,
    tx: optax.GradientTransformation,
    steps: int,
    key: jax.Array,
    hook: Hook | None = None,
  ) -> tuple[Any, Any]:
    def step(params: Any) -> Any:
      updates, _ = tx.update(params, tx.init(params), params)
      return optax.apply_updates(params, updates)

    jax.eval_shape(step, variables)
    raise _Rehearsed

  settings = dict(settings)
  kind, key = settings.pop('kind'), jax.random.key(0)
  shapes = jax.eval_shape(model.init, key)
  variables = jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), shapes)
  one = data.Split(
    np.zeros((1, *model.input_shape), np.uint8), np.zeros(1, np.int32)
  )
  examples = train.Examples(
    *one, data.scale, lambda step, n: np.zeros((n, 1), np.int32)
  )
  held = data.Split(*(part[:constraint] for part in one))
  task = Task(model, fit, examples, held, rehearsed=True, uncut=uncut)
  try:
    perform(kind, task, variables, key, settings)
  except _Rehearsed:
    return
  except InputError as e:
    raise InputError(f'the stage {name!r} cannot be set up: {e}') from None
  except (AttributeError, KeyError, TypeError, ValueError) as e:
    raise InputError(
      f'the stage {name!r} cannot be set up as the config describes it, since'
      f' {type(e).__name__}: {e}; mend the config'
    ) from e
