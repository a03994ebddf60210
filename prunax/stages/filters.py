"""The stage that cuts channels out of the network."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from prunax import shrinking, tree
from prunax.errors import InputError
from prunax.schedules.numbers import whole
from prunax.shrinking.choosing import Settings
from prunax.shrinking.choosing import check as check_choice
from prunax.shrinking.restoring import check as check_mending
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
  settings = dict(score_settings or {})
  choice: dict[str, Any] = {
    'budget': budget,
    'scope': scope,
    'rules': rules,
    'round_to': round_to,
    'steps': steps,
  }
  _check(density, score, settings, examples, reconstruct, choice)
  model = task.model
  shape = jax.ShapeDtypeStruct((1, *model.input_shape), np.float32)
  score_key, mend_key = jax.random.split(key)
  look = scoring.Look(task, variables, score_key, examples, rules)
  if task.rehearsed:
    # What an earlier cut will leave is not known yet.
    if task.uncut:
      scoring.check_model(score, look)
    if task.uncut and density is not None:
      # Which groups may be cut, and how far, depends on no weights.
      by_name = 'bn_scale' if score == 'bn_scale' else 'l2'
      shrinking.affordable(
        model.apply, variables, shape, density=density, score=by_name, **choice
      )
    return Outcome(variables, {})

  if score == 'pfa_kl':
    x, _ = scoring.looked_at(task, score_key, examples)
    seen = shrinking.responses(model.apply, variables, x)
    choice = {'keep': shrinking.pfa_kl(seen)}
  else:
    choice['density'] = density
    choice['score'] = scoring.score_of(look, score, settings)
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


def _check(
  density: float | None,
  score: str,
  settings: Mapping[str, Any],
  examples: int,
  reconstruct: Mapping[str, Any] | None,
  choice: Mapping[str, Any],
) -> None:
  """Refuses settings that no network could take."""
  whole('examples', examples, 1)
  unknown = sorted(set(reconstruct or {}) - {'steps', 'rate'})
  if unknown:
    raise InputError(
      f'reconstruct must have steps and rate alone, got {", ".join(unknown)}:'
      ' leave it out'
    )
  check_mending(**(reconstruct or {}))
  usual: dict[str, Any] = {
    'budget': 'flops',
    'scope': 'global',
    'rules': None,
    'round_to': 1,
    'steps': 1,
  }
  if score == 'pfa_kl' and (density is not None or settings or choice != usual):
    raise InputError(
      'the score pfa_kl must have no density and none of'
      f' {", ".join(choice)} and score_settings, since it says itself how many'
      ' stay: leave them out'
    )
  if score == 'pfa_kl':
    return
  if density is None:
    raise InputError(
      f'density must be given unless the score is pfa_kl, got none for'
      f' {score!r}: add it'
    )
  check_choice(Settings(density=density, score=score, **choice))
  if choice['rules'] is not None:
    tree.check_rules(choice['rules'])
  scoring.check(score, settings)


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
