"""The stage whose thresholds are found by search."""

from collections.abc import Mapping
from typing import Any

import jax

from prunax import evaluation, searches, transforms, tree
from prunax.errors import InputError
from prunax.search.settings import settings as search_settings
from prunax.stages.types import Outcome, Task, inner_of
from prunax.transforms import optimizers


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

  More settings are those of `search.settings.Settings`, counted in updates.
  `judged_on` is 'constraint', the held-out examples, or 'batch', the minibatch
  of the last step.
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
  inner, iter_size = inner_of(optimizer)
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
    # The batch of the step just done, as in the release.
    rows = task.examples.indices(max(step - 1, 0), 1)[0]
    return x[rows], y[rows]

  hook = searches.searching_hook(
    variables,
    rules,
    draw_key,
    evaluation.accuracy_function(task.model.apply, task.examples.scale),
    data_at,
    search_settings(settings),
    prune_bias=prune_bias,
    band=band,
    iter_size=iter_size,
  )
  tx = optimizers.accumulate(tx, iter_size)
  variables, state = task.fit(variables, tx, steps, fit_key, hook)
  return Outcome(variables, {'spliced': transforms.splices(state)})
