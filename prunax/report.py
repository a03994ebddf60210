"""Tables of a run for a terminal."""

import io
import math
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from prunax import costs

_SEED_KEYS = (
  'alive',
  'ratio',
  'ratio_weights',
  'error_percent',
  'wall_seconds',
)


def _times(ratio: float | None) -> str:
  """How many times fewer, where a ratio of nothing left is None."""
  return 'none left' if ratio is None else f'{ratio:,.1f}x'


def _text(*titled: tuple[str, Table]) -> str:
  """Tables under their titles, in characters that stdout can show."""
  encoding = getattr(sys.stdout, 'encoding', None) or 'utf-8'
  raw = io.BytesIO()
  file = io.TextIOWrapper(raw, encoding, 'backslashreplace', newline='')
  # Names are a user's own: brackets and colons in them mean nothing.
  console = Console(
    file=file, width=100, highlight=False, markup=False, emoji=False
  )
  for title, table in titled:
    # A title of the table's own would be broken at the table's width.
    console.print(title, soft_wrap=True)
    console.print(table)
  file.flush()
  return raw.getvalue().decode(encoding)


def _table(columns: Sequence[str]) -> Table:
  table = Table()
  first, *others = columns
  table.add_column(first, overflow='fold')
  for column in others:
    table.add_column(column, justify='right', no_wrap=True)
  return table


def summary_text(summary: dict[str, Any]) -> str:
  """The stages of a run, and the layers of what it ended with."""
  stages = _table(
    ['stage', 'alive', 'of', 'ratio', 'weights only', 'test error', 'seconds']
  )
  for row in summary['stages']:
    stages.add_row(
      row['stage'],
      f'{row["alive"]:,}',
      f'{row["size"]:,}',
      _times(row['ratio']),
      _times(row['ratio_weights']),
      f'{row["error_percent"]:.2f} %',
      f'{row["seconds"]:.1f}',
    )
  last = summary['stages'][-1]
  units = last.get('units', {})
  spliced = _spliced(summary)
  columns = ['layer', 'alive', 'of', 'density', 'ratio']
  columns += ['spliced'] * bool(spliced) + ['active units'] * bool(units)
  layers = _table(columns)
  for row in last['layers']:
    came_back = [f'{spliced.get(row["name"], 0):,}'] * bool(spliced)
    active = [_of(units.get(row['name']))] * bool(units)
    layers.add_row(
      row['name'],
      f'{row["alive"]:,}',
      f'{row["size"]:,}',
      f'{row["density"]:.2%}',
      _times(costs.ratio(row['size'], row['alive'])),
      *came_back,
      *active,
    )
  return _text(
    (f'{summary["config"]}, seed {summary["seed"]}', stages),
    (f'layers after {last["stage"]}, weights and biases together', layers),
  ) + _facts(summary)


def _of(pair: Sequence[int] | None) -> str:
  return f'{pair[0]} of {pair[1]}' if pair else ''


def _facts(summary: dict[str, Any]) -> str:
  """What else is known of a run's end, and of all its searches."""
  row, said = summary['stages'][-1], []
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
    said.append(
      f'model.prx has {row["bytes"]:,} bytes, {_times(row["ratio_bytes"])}'
      ' fewer than 4 a weight'
    )
  return ''.join(f'{line}\n' for line in said)


def _spliced(summary: dict[str, Any]) -> dict[str, int]:
  """How many weights of each layer came back, over all stages."""
  found: dict[str, int] = {}
  for row in summary['stages']:
    for layer, times in row.get('spliced', {}).items():
      found[layer] = found.get(layer, 0) + times
  return found


def leaves_text(name: str, inspected: dict[str, Any]) -> str:
  """What `prunax inspect` prints."""
  total = inspected['total']
  columns = ['leaf', 'shape', 'alive', 'of', 'density', 'values']
  table = _table(columns + ['bytes'] * len(_taken(total)))
  for leaf in inspected['leaves']:
    table.add_row(
      leaf['name'],
      ' x '.join(str(n) for n in leaf['shape']),
      f'{leaf["alive"]:,}',
      f'{leaf["size"]:,}',
      f'{leaf["density"]:.2%}',
      f'{leaf["values"]:,}',
      *_taken(leaf),
    )
  table.add_section()
  table.add_row(
    'total',
    '',
    f'{total["alive"]:,}',
    f'{total["size"]:,}',
    f'{costs.density(total["size"], total["alive"]):.2%}',
    '',
    *_taken(total),
  )
  facts = (
    f'ratio: {_times(total["ratio"])}'
    f' (weights only: {_times(total["ratio_weights"])})\n'
  )
  if total['bytes'] is not None:
    facts += f'bytes: {_times(total["ratio_bytes"])} fewer than 4 a weight\n'
  return _text((name, table)) + facts


def _taken(row: dict[str, Any]) -> list[str]:
  """The cell of the bytes, if there is one."""
  return [] if row['bytes'] is None else [f'{row["bytes"]:,}']


def packed_text(name: str, packed: dict[str, Any]) -> str:
  """What `prunax pack` prints: where the bytes go, and the three ratios."""
  parts = ['positions', 'values', 'codebook']
  table = _table(['leaf', 'alive', 'distinct', *parts, 'bytes', 'coding'])
  for leaf in packed['leaves']:
    table.add_row(
      leaf['name'],
      f'{leaf["alive"]:,}',
      f'{leaf["distinct"]:,}',
      *(f'{leaf[part]:,}' for part in parts),
      f'{sum(leaf[part] for part in parts):,}',
      leaf['coding'],
    )
  table.add_section()
  header = f'{packed["header"]:,}'
  table.add_row('header and checks', '', '', '', '', '', header, '')
  total = packed['total']
  table.add_row('total', *[''] * 5, f'{total["bytes"]:,}', '')
  lossy = packed['lossy']
  said = ', '.join(f'{k} {v}' for k, v in lossy.items()) or 'nothing'
  return _text((name, table)) + (
    f'weights: {_times(total["ratio_weights"])}, with biases:'
    f' {_times(total["ratio"])}, bytes: {_times(total["ratio_bytes"])}\n'
    f'changed: {said}\n'
  )


def unpacked_text(name: str, unpacked: dict[str, Any]) -> str:
  """What `prunax unpack` prints.

  >>> unpacked_text('a.npz', {'bytes': 1234, 'widened': []})
  'a.npz: 1,234 bytes\\n'
  """
  lines = [f'{name}: {unpacked["bytes"]:,} bytes', *unpacked['widened']]
  return ''.join(f'{line}\n' for line in lines)


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
  table = _table(['seed', 'alive', 'ratio', 'weights only', 'error', 'seconds'])
  for row in rows:
    table.add_row(str(row['seed']), *_cells(row))
  table.add_section()
  for name, pick in (('median', median), ('least', min), ('most', max)):
    found = {
      key: pick([_comparable(row[key]) for row in rows]) for key in _SEED_KEYS
    }
    table.add_row(name, *_cells(found))
  return _text((config, table))


def _comparable(value: float | None) -> float:
  """A net of which nothing is left is smaller than any other."""
  return math.inf if value is None else value


def _cells(row: dict[str, Any]) -> list[str]:
  alive, *ratios, error, seconds = (row[key] for key in _SEED_KEYS)
  return [
    f'{alive:,.0f}',
    *(_times(None if x in (None, math.inf) else x) for x in ratios),
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
