"""The end of a run: its small file, the test set, and the summary."""

import pathlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from prunax import (
  convert,
  costs,
  cut_models,
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
  dataset: data.Dataset,
  said: dict[str, Any],
  between: Callable[[], object],
) -> dict[str, Any]:
  """Reads the test set, once for each artifact, and writes the summary.

  Args:
    folder: of the run, whose stages have ended.
    model: the network.
    dataset: whose test set it is judged on.
    said: what else the summary tells: the config's name, the seed.
    between: called between two artifacts.
  """
  taken = _pack(folder)
  judged = []
  for stage, path in enumerate(folder.artifacts()):
    between()
    judged.append(_judge(folder, model, dataset, stage, path))
  rows = [row for row, _ in judged]
  started, *others = (guesses == dataset.test.y for _, guesses in judged)
  for row, right in zip(rows[1:], others, strict=True):
    row['mcnemar'] = paired.mcnemar(started, right)
  rows[-1].update(costs.stored(rows[-1], taken))
  last = {'predictions': judged[-1].guesses.astype(np.uint16)}
  between()
  convert.npz.save(folder.predictions, last, {})
  summary = {
    **said,
    'stages': rows,
    'wall_seconds': sum(row['seconds'] for row in rows),
    'versions': versions(),
  }
  write_json(folder.summary, summary)
  return summary


class _Judged(NamedTuple):
  """The row of an artifact in the summary, and the classes that it guesses."""

  row: dict[str, Any]
  guesses: np.ndarray


def _judge(
  folder: RunDir,
  model: models.Model,
  dataset: data.Dataset,
  stage: int,
  path: pathlib.Path,
) -> _Judged:
  """What one artifact makes of the test set, which it reads once."""
  variables, meta, _ = weights.load(path)
  if path == folder.last_artifact():
    # What is evaluated is what the small file gives back.
    variables = weights.load(folder.packed).tree
  model = cut_models.stored_model(model, meta, path)
  guesses = evaluation.predict(
    model.apply, variables, dataset.test.x, dataset.scale
  )
  score = evaluation.score(guesses, dataset.test.y)
  row = {
    **_row(model, variables, meta),
    'error_percent': 100 * score['errors'] / score['count'],
    **_searches(folder, stage),
    **meta['facts'],
  }
  return _Judged(row, guesses)


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
