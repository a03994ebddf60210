"""Writes docs/results.md, and the table of the README, from results/*.json.

  python -m experiments.results_page

No number on these pages is typed: what a result file does not hold is not
there. A test holds the pages against the files.
"""

import json
import pathlib
import re
from typing import Any

from experiments import filter_tables
from experiments.filter_rows import FILTER_ROWS
from experiments.rows import ROWS, Row
from prunax.report import median

ROOT = pathlib.Path(__file__).parent.parent
_PLACES = {
  name: re.compile(rf'(<!-- {name} -->\n).*?(<!-- /{name} -->)', re.DOTALL)
  for name in ('results', 'filters')
}


def load(folder: pathlib.Path) -> dict[str, list[dict[str, Any]]]:
  """The results of all seeds by config, in the order of their seeds."""
  found: dict[str, list[dict[str, Any]]] = {}
  for path in folder.glob('*-seed*.json'):
    result = json.loads(path.read_text())
    found.setdefault(result['config'], []).append(result)
  return {
    config: sorted(rows, key=lambda row: row['seed'])
    for config, rows in found.items()
  }


def _spread(rows: list[dict[str, Any]], key: str, form: str, unit: str) -> str:
  values = [row[key] for row in rows]
  middle, least, most = (
    format(pick(values), form) for pick in (median, min, max)
  )
  return f'{middle}{unit} ({least} to {most})'


def _start_error(rows: list[dict[str, Any]]) -> str:
  errors = [row['stages'][0]['error_percent'] for row in rows]
  return f'{median(errors):.2f} %'


def _has_files(seeds: list[dict[str, Any]]) -> bool:
  """Whether the runs ended with small files; early ones did not."""
  return all(result.get('bytes') for result in seeds)


def _fewer_bytes(seeds: list[dict[str, Any]]) -> str:
  if not _has_files(seeds):
    return ''
  size = median([result['bytes'] for result in seeds])
  return f'{_spread(seeds, "ratio_bytes", ",.0f", "x")}: {size:,.0f} bytes'


def table(results: dict[str, list[dict[str, Any]]]) -> str:
  """The table of all configs that have results: median (least to most)."""
  lines = [
    '| what | published | ours: fewer parameters | fewer bytes | error before'
    ' | error after | seeds |',
    '| --- | --- | --- | --- | --- | --- | --- |',
  ]
  for row in ROWS:
    seeds = results.get(row.config)
    if seeds:
      lines.append(
        f'| {row.what} (`{row.config}`) | {row.published}'
        f' | {_spread(seeds, "ratio", ".1f", "x")} | {_fewer_bytes(seeds)}'
        f' | {_start_error(seeds)}'
        f' | {_spread(seeds, "error_percent", ".2f", " %")} | {len(seeds)} |'
      )
  return '\n'.join(lines) + '\n'


def _details(row: Row, seeds: list[dict[str, Any]]) -> str:
  numbers = ','.join(str(result['seed']) for result in seeds)
  lines = [
    f'## {row.config}',
    '',
    f'{row.what}. Published: {row.published} ({row.source}).',
    '',
    '```sh',
    f'python -m experiments.seeds --config=configs/{row.file} \\',
    f'  --seeds={numbers} --workdir=runs/{row.config}',
    '```',
    '',
    '| seed | alive | fewer parameters | fewer weights | error % | came back'
    ' | seconds |',
    '| ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
  ]
  for result in seeds:
    spliced = sum(
      sum(stage.get('spliced', {}).values()) for stage in result['stages']
    )
    lines.append(
      f'| {result["seed"]} | {result["alive"]:,} | {result["ratio"]:.1f}x'
      f' | {result["ratio_weights"]:.1f}x | {result["error_percent"]:.2f}'
      f' | {spliced:,} | {result["wall_seconds"]:.0f} |'
    )
  if _has_files(seeds):
    sizes = ', '.join(f'{result["bytes"]:,}' for result in seeds)
    lines_of_files = ['', f'Bytes of `model.prx`, seed by seed: {sizes}.']
  else:
    lines_of_files = []
  keys = ('alive', 'ratio', 'ratio_weights', 'error_percent', 'wall_seconds')
  middle = {key: median([result[key] for result in seeds]) for key in keys}
  lines += [
    f'| median | {middle["alive"]:,.0f} | {middle["ratio"]:.1f}x'
    f' | {middle["ratio_weights"]:.1f}x | {middle["error_percent"]:.2f}'
    f' | | {middle["wall_seconds"]:.0f} |',
    *lines_of_files,
    '',
    '| layer | kept % (weights and biases), median (least to most) |',
    '| --- | --- |',
  ]
  for i, layer in enumerate(seeds[0]['stages'][-1]['layers']):
    shares = [
      100 * result['stages'][-1]['layers'][i]['density'] for result in seeds
    ]
    lines.append(
      f'| {layer["name"]} | {median(shares):.2f}'
      f' ({min(shares):.2f} to {max(shares):.2f}) |'
    )
  if 'effective' in seeds[0]['stages'][-1]:
    lines += _paths(seeds)
  return '\n'.join(lines) + '\n'


def _paths(seeds: list[dict[str, Any]]) -> list[str]:
  """What else is known of each seed: paths, units, searches, and the test."""
  lines = [
    '',
    '| seed | alive | on a path from input to output | active units | '
    'evaluations | answers lost, won | McNemar p |',
    '| ---: | ---: | ---: | --- | ---: | ---: | ---: |',
  ]
  for result in seeds:
    last, stages = result['stages'][-1], result['stages']
    units = ', '.join(
      f'{name} {active} of {size}'
      for name, (active, size) in last['units'].items()
    )
    evaluations = sum(
      stage.get('searches', {}).get('evaluations', 0) for stage in stages
    )
    paired = last['mcnemar']
    lines.append(
      f'| {result["seed"]} | {last["alive"]:,} | {last["effective"]:,}'
      f' | {units} | {evaluations:,} | {paired["lost"]}, {paired["won"]}'
      f' | {paired["p"]:.2g} |'
    )
  return lines


def _filters(results: dict[str, list[dict[str, Any]]]) -> list[str]:
  """The part on filter pruning, once there are results."""
  if not any(row.config in results for row in FILTER_ROWS):
    return []
  return [
    '## Filter pruning\n',
    (ROOT / 'docs' / 'results_filters_notes.md').read_text(),
    filter_tables.table(results),
    filter_tables.commands(results),
  ]


def page(results: dict[str, list[dict[str, Any]]]) -> str:
  """The whole of docs/results.md."""
  versions = sorted(
    {
      ', '.join(f'{k} {v}' for k, v in result['versions'].items())
      for rows in results.values()
      for result in rows
    }
  )
  notes = (ROOT / 'docs' / 'results_notes.md').read_text()
  parts = [
    '# Results\n',
    'Real MNIST, and real CIFAR-10 for filter pruning. The test set is read'
    ' once, at the end\nof a run; all seeds that were run are here. Median, and'
    ' in brackets the least and the\nmost. Each number comes from a file of'
    ' `results/`;'
    ' `python -m experiments.results_page` writes this page.\n',
    table(results),
    notes,
    *(
      _details(row, results[row.config])
      for row in ROWS
      if row.config in results
    ),
    *_filters(results),
    '## Versions\n',
    '\n'.join(f'- {line}' for line in versions) + '\n',
  ]
  return '\n'.join(parts)


def readme(text: str, results: dict[str, list[dict[str, Any]]]) -> str:
  """The README with the tables in their places."""
  tables = {'results': table(results), 'filters': filter_tables.table(results)}
  for name, place in _PLACES.items():
    text = place.sub(rf'\g<1>{tables[name]}\g<2>', text)
  return text


def main() -> None:
  results = load(ROOT / 'results')
  (ROOT / 'docs' / 'results.md').write_text(page(results))
  path = ROOT / 'README.md'
  path.write_text(readme(path.read_text(), results))


if __name__ == '__main__':
  main()
