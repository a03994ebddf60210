"""Tables of a run for a terminal."""

import io
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table


def _number(value: float | None, form: str) -> str:
  return 'none left' if value is None else format(value, form)


def _text(tables: Sequence[Table]) -> str:
  out = io.StringIO()
  console = Console(file=out, width=100, highlight=False)
  for table in tables:
    console.print(table)
  return out.getvalue()


def _table(title: str, columns: Sequence[str]) -> Table:
  table = Table(title=title, title_justify='left', title_style='bold')
  for i, column in enumerate(columns):
    table.add_column(column, justify='left' if i == 0 else 'right')
  return table


def summary_text(summary: dict[str, Any]) -> str:
  """The stages of a run, and the layers of what it ended with."""
  stages = _table(
    f'{summary["config"]}, seed {summary["seed"]}',
    ['stage', 'alive', 'of', 'ratio', 'weights only', 'test error', 'seconds'],
  )
  for row in summary['stages']:
    stages.add_row(
      row['stage'],
      f'{row["alive"]:,}',
      f'{row["size"]:,}',
      _number(row['ratio'], '.1f') + 'x',
      _number(row['ratio_weights'], '.1f') + 'x',
      f'{row["error_percent"]:.2f} %',
      f'{row["seconds"]:.1f}',
    )
  last = summary['stages'][-1]
  spliced = _spliced(summary)
  columns = ['layer', 'alive', 'of', 'density', 'ratio']
  layers = _table(
    f'layers after {last["stage"]}, weights and biases together',
    columns + ['spliced'] * bool(spliced),
  )
  for row in last['layers']:
    came_back = [f'{spliced.get(row["name"], 0):,}'] * bool(spliced)
    ratio = row['size'] / row['alive'] if row['alive'] else None
    layers.add_row(
      row['name'],
      f'{row["alive"]:,}',
      f'{row["size"]:,}',
      f'{row["density"]:.2%}',
      _number(ratio, '.1f') + ('x' if ratio else ''),
      *came_back,
    )
  return _text([stages, layers])


def _spliced(summary: dict[str, Any]) -> dict[str, int]:
  """How many weights of each layer came back, over all stages."""
  found: dict[str, int] = {}
  for row in summary['stages']:
    for layer, times in row.get('spliced', {}).items():
      found[layer] = found.get(layer, 0) + times
  return found


def leaves_text(name: str, inspected: dict[str, Any]) -> str:
  """What `prunax inspect` prints."""
  table = _table(name, ['leaf', 'shape', 'alive', 'of', 'density'])
  for leaf in inspected['leaves']:
    table.add_row(
      leaf['name'],
      ' x '.join(str(n) for n in leaf['shape']),
      f'{leaf["alive"]:,}',
      f'{leaf["size"]:,}',
      f'{leaf["density"]:.2%}',
    )
  total = inspected['total']
  table.add_section()
  table.add_row(
    'total',
    '',
    f'{total["alive"]:,}',
    f'{total["size"]:,}',
    _number(total['alive'] / total['size'], '.2%'),
  )
  facts = (
    f'{_number(total["ratio"], ".1f")}x fewer parameters,'
    f' {_number(total["ratio_weights"], ".1f")}x fewer weights\n'
  )
  return _text([table]) + facts


def seeds_text(config: str, rows: Sequence[dict[str, Any]]) -> str:
  """All seeds of a config, with median and spread."""
  table = _table(
    config, ['seed', 'alive', 'ratio', 'weights only', 'error %', 'seconds']
  )
  keys = ('alive', 'ratio', 'ratio_weights', 'error_percent', 'wall_seconds')
  for row in rows:
    table.add_row(str(row['seed']), *_cells(row, keys))
  table.add_section()
  for name, pick in (('median', median), ('least', min), ('most', max)):
    found = {key: pick([row[key] or 0.0 for row in rows]) for key in keys}
    table.add_row(name, *_cells(found, keys))
  return _text([table])


def _cells(row: dict[str, Any], keys: Sequence[str]) -> list[str]:
  forms = {'alive': ',.0f', 'error_percent': '.2f'}
  return [_number(row[key], forms.get(key, '.1f')) for key in keys]


def median(values: Sequence[float]) -> float:
  """The middle value, or the mean of the two in the middle.

  >>> median([3.0, 1.0, 2.0]), median([1.0, 2.0])
  (2.0, 1.5)
  """
  ordered = sorted(values)
  half = len(ordered) // 2
  return (ordered[half] + ordered[~half]) / 2
