"""The end of a run: its small file, the test set, and the summary."""

from collections.abc import Callable
from typing import Any

import numpy as np

from prunax import (
  convert,
  costs,
  data,
  evaluation,
  models,
  packing,
  paired,
  paths,
  tree,
  weights,
)
from prunax.record import read_metrics
from prunax.rundir import RunDir, write_json
from prunax.version import versions


def finish(
  folder: RunDir,
  model: models.Model,
  test: data.Split,
  named: dict[str, Any],
  between: Callable[[], object],
) -> dict[str, Any]:
  """Reads the test set, once for each artifact, and writes the summary.

  Args:
    folder: of the run, whose stages have ended.
    model: the network.
    test: what it is judged on.
    named: the run's name and seed.
    between: called between two artifacts.
  """
  taken = _pack(folder)
  rows: list[dict[str, Any]] = []
  started: np.ndarray | None = None
  for i, path in enumerate(folder.artifacts()):
    between()
    variables, meta, _ = weights.load(path)
    if path == folder.last_artifact():
      # What is evaluated is what the small file gives back.
      variables = weights.load(folder.packed).tree
    guesses = evaluation.predict(model.apply, variables, test.x, data.scale)
    score = evaluation.score(guesses, test.y)
    right = guesses == test.y
    started = right if started is None else started
    rows.append(
      {
        **_row(model, variables, meta),
        'error_percent': 100 * score['errors'] / score['count'],
        **_searches(folder, i),
        **meta['facts'],
      }
    )
    if i:
      rows[-1]['mcnemar'] = paired.mcnemar(started, right)
    last = {'predictions': guesses.astype(np.uint16)}
  rows[-1].update(costs.stored(rows[-1], taken))
  between()
  convert.npz.save(folder.predictions, last, {})
  summary = {
    'config': named['name'],
    'seed': named['seed'],
    'stages': rows,
    'wall_seconds': sum(row['seconds'] for row in rows),
    'versions': versions(),
  }
  write_json(folder.summary, summary)
  return summary


def _pack(folder: RunDir) -> int:
  """Writes what the run ended with to its `.prx`; returns the bytes."""
  loaded = weights.load(folder.last_artifact())
  packed = packing.pack(loaded, folder.packed)
  return int(packed['total']['bytes'])


def _row(
  model: models.Model, variables: Any, meta: dict[str, Any]
) -> dict[str, Any]:
  """What the weights of a stage tell by themselves."""
  counts = tree.count(variables)
  return {
    'stage': meta['stage'],
    **costs.total(counts, meta['sizes']),
    'seconds': meta['seconds'],
    'layers': costs.by_layer(counts),
    **paths.summary(model.apply, variables, model.input_shape),
  }


def _searches(folder: RunDir, stage: int) -> dict[str, Any]:
  """What the record says of a stage's searches, if it had any."""
  records = [
    line['hook']
    for line in read_metrics(folder.metrics)
    if line['stage_index'] == stage and 'hook' in line
  ]
  if not records:
    return {}
  return {
    'searches': {
      'count': sum(r['evaluations'] > 0 for r in records),
      'evaluations': sum(r['evaluations'] for r in records),
      'infeasible': sum(not r.get('feasible', True) for r in records),
    }
  }
