"""The stage that cuts channels out of the network."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from prunax import shrinking, tree
from prunax.errors import InputError
from prunax.shrinking.choosing import Settings
from prunax.shrinking.choosing import check as check_choice
from prunax.stages import scoring
from prunax.stages.types import Outcome, Task


def filters(
  task: Task,
  variables: Any,
  key: jax.Array,
  *,
  density: float | None = None,
  budget: str = 'flops',
  score: str = 'l2',
  score_settings: Mapping[str, Any] | None = None,
  examples: int = 1_000,
  scope: str = 'global',
  rules: tree.Rules | None = None,
  round_to: int = 1,
  steps: int = 1,
  reconstruct: Mapping[str, Any] | None = None,
) -> Outcome:
  """Cuts channels, with the settings of `prunax.shrink`.

  The arrays are smaller from here on, for all later stages too, and `density`
  is a part of what the stage begins with. The score 'pfa_kl' has a budget of
  its own, so no `density`. Scores that look at data look at `examples` of the
  training set. `reconstruct`, the settings of `prunax.reconstruct`, trains the
  layers that lost inputs on as many.
  """
  own_budget = score == 'pfa_kl'
  if (density is None) != own_budget:
    raise InputError(
      f'density must be given unless the score is pfa_kl, got {density!r} for'
      f' {score!r}: mend it'
    )
  choice: dict[str, Any] = {}
  if density is not None:
    settings = Settings(density, budget, score, scope, rules, round_to, steps)
    check_choice(settings)
    scoring.check(score)
    choice = settings._asdict()
  if task.rehearsed:
    return Outcome(variables, {})

  model = task.model
  score_key, mend_key = jax.random.split(key)
  if own_budget:
    x, _ = scoring.looked_at(task, score_key, examples)
    seen = shrinking.responses(model.apply, variables, x)
    choice['keep'] = shrinking.pfa_kl(seen)
  else:
    choice['score'] = scoring.score_of(
      task, variables, score_key, score, examples, score_settings or {}
    )
  shape = jax.ShapeDtypeStruct((1, *model.input_shape), np.float32)
  small = shrinking.shrink(model.apply, variables, shape, **choice)
  report = small.report
  left = small.variables
  if reconstruct is not None:
    x, _ = scoring.looked_at(task, mend_key, examples)
    mended = shrinking.reconstruct(
      model.apply, variables, report.plan, x, **reconstruct
    )
    left = report.plan.cut(mended)
  return Outcome(left, _facts(report), report.plan)


def _facts(report: shrinking.Report) -> dict[str, Any]:
  """What the report of a run tells of the cut."""
  return {
    'channels': {
      g.id: [report.kept[g.id], g.size] for g in report.groups if g.prunable
    },
    'before': report.before,
    'after': report.after,
    'prr': report.prr,
    'frr': report.frr,
  }
