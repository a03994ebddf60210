"""The stage that cuts channels out of the network."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from prunax import shrinking, tree
from prunax.stages.scoring import score_of
from prunax.stages.types import Outcome, Task


def filters(
  task: Task,
  variables: Any,
  key: jax.Array,
  *,
  density: float,
  budget: str = 'flops',
  score: str = 'l2',
  score_settings: Mapping[str, Any] | None = None,
  scope: str = 'global',
  rules: tree.Rules | None = None,
  round_to: int = 1,
  steps: int = 1,
) -> Outcome:
  """Cuts channels, with the settings of `prunax.shrink`.

  The arrays are smaller from here on, for all later stages too.
  `score_settings` are those of the score, as `stages.scoring` has them.
  """
  model = task.model
  small = shrinking.shrink(
    model.apply,
    variables,
    jax.ShapeDtypeStruct((1, *model.input_shape), np.float32),
    density=density,
    budget=budget,
    score=score_of(task, variables, key, score, score_settings or {}),
    scope=scope,
    rules=rules,
    round_to=round_to,
    steps=steps,
  )
  report = small.report
  facts = {
    'channels': {
      g.id: [report.kept[g.id], g.size] for g in report.groups if g.prunable
    },
    'before': report.before,
    'after': report.after,
  }
  return Outcome(small.variables, facts, report.plan)
