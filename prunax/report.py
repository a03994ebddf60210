"""Tables of a run for a terminal."""

import math
from collections.abc import Sequence
from typing import Any

from prunax import costs, tables

_SEED_KEYS = (
  'alive',
  'ratio',
  'ratio_weights',
  'ratio_bytes',
  'error_percent',
  'wall_seconds',
)


def summary_text(summary: dict[str, Any]) -> str:
  """The stages of a run, and the layers of what it ended with."""
  stages = tables.table(
    ['stage', 'alive', 'of', 'ratio', 'weights only', 'test error', 'seconds']
  )
  for row in summary['stages']:
    stages.add_row(
      row['stage'],
      f'{row["alive"]:,}',
      f'{row["size"]:,}',
      tables.times(row['ratio']),
      tables.times(row['ratio_weights']),
      f'{row["error_percent"]:.2f} %',
      f'{row["seconds"]:.1f}',
    )
  last = summary['stages'][-1]
  units = last.get('units', {})
  spliced = _spliced(summary)
  columns = ['layer', 'alive', 'of', 'density', 'ratio']
  columns += ['spliced'] * bool(spliced) + ['active units'] * bool(units)
  layers = tables.table(columns)
  for row in last['layers']:
    came_back = [f'{spliced.get(row["name"], 0):,}'] * bool(spliced)
    active = [_of(units.get(row['name']))] * bool(units)
    layers.add_row(
      row['name'],
      f'{row["alive"]:,}',
      f'{row["size"]:,}',
      f'{row["density"]:.2%}',
      tables.times(costs.ratio(row['size'], row['alive'])),
      *came_back,
      *active,
    )
  return tables.text(
    (f'{summary["config"]}, seed {summary["seed"]}', stages),
    (f'layers after {last["stage"]}, weights and biases together', layers),
  ) + _facts(summary)


def _of(pair: Sequence[int] | None) -> str:
  return f'{pair[0]} of {pair[1]}' if pair else ''


def _facts(summary: dict[str, Any]) -> str:
  """What else is known of a run's end, and of all its searches."""
  row, said = summary['stages'][-1], []
  if 'trained_on' in summary:
    part = summary['trained_on']
    said.append(
      f'trained on {part["examples"]:,} of {part["of"]:,} examples, as evenly'
      ' of all classes as can be'
    )
  if 'effective' in row:
    said.append(
      f'{row["effective"]:,} of {row["alive"]:,} weights lie on a path from an'
      ' input to an output'
    )
  if 'mcnemar' in row:
    test = row['mcnemar']
    said.append(
      f'{test["lost"]} answers of the start were lost, {test["won"]} won'
      f' (McNemar p {test["p"]:.2g})'
    )
  found = [x['searches'] for x in summary['stages'] if 'searches' in x]
  if found:
    count, evaluations, infeasible = (
      sum(x[key] for x in found)
      for key in ('count', 'evaluations', 'infeasible')
    )
    said.append(
      f'{count} searches, {evaluations:,} evaluations,'
      f' {infeasible} without anything feasible'
    )
  if 'bytes' in row:
    fewer = tables.times(row['ratio_bytes'])
    said.append(
      f'model.prx has {row["bytes"]:,} bytes, {fewer} fewer than 4 a weight'
    )
  return ''.join(f'{line}\n' for line in said)


def _spliced(summary: dict[str, Any]) -> dict[str, int]:
  """How many weights of each layer came back, over all stages."""
  found: dict[str, int] = {}
  for row in summary['stages']:
    for layer, times in row.get('spliced', {}).items():
      found[layer] = found.get(layer, 0) + times
  return found


def score_text(score: dict[str, Any]) -> str:
  """What `prunax evaluate` prints.

  >>> score_text({'accuracy': 0.75, 'errors': 1, 'count': 4})
  '75.00 % right, 1 wrong of 4\\n'
  """
  return (
    f'{100 * score["accuracy"]:.2f} % right, {score["errors"]:,} wrong of'
    f' {score["count"]:,}\n'
  )


def seeds_text(config: str, rows: Sequence[dict[str, Any]]) -> str:
  """All seeds of a config, with median and spread."""
  table = tables.table(
    ['seed', 'alive', 'ratio', 'weights only', 'bytes', 'error', 'seconds']
  )
  for row in rows:
    table.add_row(str(row['seed']), *_cells(row))
  table.add_section()
  for name, pick in (('median', median), ('least', min), ('most', max)):
    found = {
      key: pick([_comparable(row[key]) for row in rows]) for key in _SEED_KEYS
    }
    table.add_row(name, *_cells(found))
  return tables.text((config, table))


def _comparable(value: float | None) -> float:
  """A net of which nothing is left is smaller than any other."""
  return math.inf if value is None else value


def _cells(row: dict[str, Any]) -> list[str]:
  alive, *ratios, fewer_bytes, error, seconds = (row[key] for key in _SEED_KEYS)
  # A run of earlier days has no small file.
  known = fewer_bytes not in (None, math.inf)
  return [
    f'{alive:,.0f}',
    *(tables.times(None if x in (None, math.inf) else x) for x in ratios),
    tables.times(fewer_bytes) if known else '',
    f'{error:.2f} %',
    f'{seconds:.1f}',
  ]


def median(values: Sequence[float]) -> float:
  """The middle value, or the mean of the two in the middle.

  >>> median([3.0, 1.0, 2.0]), median([1.0, 2.0])
  (2.0, 1.5)
  """
  ordered = sorted(values)
  half = len(ordered) // 2
  return (ordered[half] + ordered[~half]) / 2
