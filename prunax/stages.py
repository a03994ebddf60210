"""The stages of a run: each takes weights and gives weights."""

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import jax
import numpy as np
import optax

from prunax import data, schedules, searches, train, transforms, tree
from prunax.errors import InputError
from prunax.models import Model
from prunax.transforms import optimizers


class Fit(Protocol):
  """Trains `variables` by a transformation; interrupted, it goes on later."""

  def __call__(
    self,
    variables: Any,
    tx: optax.GradientTransformation,
    steps: int,
    key: jax.Array,
    hook: train.Hook | None = None,
  ) -> tuple[Any, Any]: ...


class Task(NamedTuple):
  """What a stage works on.

  Attributes:
    model: the network.
    fit: how to train it on the data.
    examples: what it is trained on.
    constraint: what a search judges its candidates on, not trained on.
  """

  model: Model
  fit: Fit
  examples: train.Examples
  constraint: data.Split


class Outcome(NamedTuple):
  """What a stage leaves: the weights, and facts for the report."""

  variables: Any
  facts: dict[str, Any]


Stage = Callable[..., Outcome]


def _inner(optimizer: Mapping[str, Any]) -> tuple[Any, int]:
  return optimizers.optimizer(optimizer), optimizer.get('iter_size', 1)


def dense(
  task: Task,
  variables: Any,
  key: jax.Array,
  *,
  steps: int,
  optimizer: Mapping[str, Any],
) -> Outcome:
  """Trains without a method; from scratch where there is nothing yet."""
  init_key, fit_key = jax.random.split(key)
  if variables is None:
    variables = task.model.init(init_key)
  inner, iter_size = _inner(optimizer)
  tx = optimizers.accumulate(inner, iter_size)
  variables, _ = task.fit(variables, tx, steps, fit_key)
  return Outcome(variables, {})


def surgery(
  task: Task,
  variables: Any,
  key: jax.Array,
  *,
  steps: int,
  optimizer: Mapping[str, Any],
  rules: tree.Rules,
  prune_bias: bool = True,
  band: tuple[float, float] = (0.9, 1.1),
  surgery_iter_gamma: float | None = None,
  surgery_iter_power: float | None = None,
) -> Outcome:
  """Dynamic Network Surgery, with the settings of `transforms.dns`."""
  draw_key, fit_key = jax.random.split(key)
  inner, iter_size = _inner(optimizer)
  tx = transforms.dns(
    inner,
    rules,
    draw_key,
    prune_bias=prune_bias,
    band=band,
    surgery_iter_gamma=surgery_iter_gamma,
    surgery_iter_power=surgery_iter_power,
    steps=steps // iter_size,
  )
  tx = optimizers.accumulate(tx, iter_size)
  variables, state = task.fit(variables, tx, steps, fit_key)
  return Outcome(variables, {'spliced': transforms.splices(state)})


def olmp(
  task: Task,
  variables: Any,
  key: jax.Array,
  *,
  steps: int,
  optimizer: Mapping[str, Any],
  rules: tree.Rules,
  prune_bias: bool = True,
  band: tuple[float, float] = (0.9, 1.1),
  judged_on: str = 'constraint',
  **settings: Any,
) -> Outcome:
  """Surgery whose thresholds are found by search (Li et al. 2018).

  More settings are those of `searches.Settings`. `judged_on` is 'constraint',
  the held-out examples, or 'batch', the minibatch of the coming step.
  """
  if judged_on not in ('constraint', 'batch'):
    raise InputError(
      f'judged_on must be constraint or batch, got {judged_on!r}: name one'
    )
  held_out = judged_on == 'constraint'
  if held_out and not len(task.constraint.y):
    raise InputError(
      'a search must have examples to judge its candidates on, got none: give'
      " their number, such as 3000, as the config's data.constraint"
    )
  draw_key, fit_key = jax.random.split(key)
  inner, iter_size = _inner(optimizer)
  tx = transforms.dns(
    inner,
    rules,
    draw_key,
    prune_bias=prune_bias,
    band=band,
    steps=steps // iter_size,
  )
  x, y = task.examples.x, task.examples.y

  def data_at(step: int) -> tuple[Any, ...]:
    if held_out:
      return tuple(task.constraint)
    rows = task.examples.indices(step, 1)[0]
    return x[rows], y[rows]

  try:
    searching = searches.Settings(**settings)
  except TypeError as e:
    known = [field.name for field in dataclasses.fields(searches.Settings)]
    raise InputError(
      f'a search must have settings among {", ".join(known)}, but {e}: mend'
      ' the config'
    ) from None
  hook = searches.searching_hook(
    variables,
    rules,
    draw_key,
    train.accuracy_function(task.model.apply, task.examples.scale),
    data_at,
    searching,
    prune_bias=prune_bias,
    band=band,
  )
  tx = optimizers.accumulate(tx, iter_size)
  variables, state = task.fit(variables, tx, steps, fit_key, hook)
  return Outcome(variables, {'spliced': transforms.splices(state)})


def gradual(
  task: Task,
  variables: Any,
  key: jax.Array,
  *,
  steps: int,
  optimizer: Mapping[str, Any],
  rules: tree.Rules,
  begin: int = 0,
  end: int | None = None,
  every: int = 100,
  scope: str = 'layer',
) -> Outcome:
  """Magnitude pruning along a cubic ramp from `begin` to `end`.

  The rules name each layer's final density. Prunings are multiples of `every`,
  and so is the end.
  """
  if every < 1:
    raise InputError(f'every must be at least 1 step, got {every}')
  inner, iter_size = _inner(optimizer)
  updates = steps // iter_size
  # The last pruning that there is must be the one that meets the density.
  last = (updates if end is None else end) // every * every
  if last < 1:
    raise InputError(
      f'gradual pruning must end at step {every} or later, since it prunes'
      f' every {every} steps, got {updates if end is None else end}: train'
      ' longer or prune more often'
    )
  # One ramp a density, so that layers of one density have one value.
  ramps = {
    v: schedules.density_ramp(1.0, v, begin, last)
    for _, v in rules
    if v is not None
  }
  ramped = [(p, v if v is None else ramps[v]) for p, v in rules]
  tx = optimizers.accumulate(
    optax.chain(inner, transforms.gradual(ramped, every=every, scope=scope)),
    iter_size,
  )
  variables, _ = task.fit(variables, tx, steps, key)
  return Outcome(variables, {})


def finetune(
  task: Task,
  variables: Any,
  key: jax.Array,
  *,
  steps: int,
  optimizer: Mapping[str, Any],
) -> Outcome:
  """Trains what is alive; zeros stay zeros."""
  inner, iter_size = _inner(optimizer)
  tx = optimizers.accumulate(
    optax.chain(inner, transforms.keep_zeros()), iter_size
  )
  variables, _ = task.fit(variables, tx, steps, key)
  return Outcome(variables, {})


STAGES: dict[str, Stage] = {
  'dense': dense,
  'surgery': surgery,
  'olmp': olmp,
  'gradual': gradual,
  'finetune': finetune,
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
  name: str, model: Model, settings: Mapping[str, Any], constraint: int = 1
) -> None:
  """Refuses what a config says of a stage before any time is spent on it.

  The stage runs, on weights of the right shapes, as far as its training,
  which is one abstract step.

  Args:
    name: the stage's name, for the sentence if it is refused.
    model: the model that will be trained.
    settings: the stage's kind and settings.
    constraint: how many examples are held out for searches.
  """

  def fit(
    variables: Any,
    tx: optax.GradientTransformation,
    steps: int,
    key: jax.Array,
    hook: train.Hook | None = None,
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
  x = np.zeros((constraint, *model.input_shape), np.uint8)
  split = data.Split(x, np.zeros(constraint, np.int32))
  examples = train.Examples(
    *split, data.scale, lambda step, n: np.zeros((n, 1), np.int32)
  )
  task = Task(model, fit, examples, split)
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
