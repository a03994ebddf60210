"""The tables of filter pruning, from the files of its runs."""

from collections.abc import Mapping, Sequence
from typing import Any

from experiments.filter_rows import FILTER_ROWS, FilterRow
from prunax.report import median

Results = Mapping[str, Sequence[Mapping[str, Any]]]


def _spread(values: Sequence[float], form: str) -> str:
  middle, least, most = (
    format(pick(values), form) for pick in (median, min, max)
  )
  return middle if least == most else f'{middle} ({least} to {most})'


def _accuracy(stage: Mapping[str, Any]) -> float:
  return 100 - float(stage['error_percent'])


def _cuts(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
  return [stage for stage in result['stages'] if 'channels' in stage]


def _gone(result: Mapping[str, Any], budget: str) -> float:
  """The part of all that is gone after the last cut, in percent."""
  first, *_, last = 2 * _cuts(result)
  return float(100 * (1 - last['after'][budget] / first['before'][budget]))


def _line(row: FilterRow, seeds: Sequence[Mapping[str, Any]]) -> str:
  right = [_accuracy(result['stages'][-1]) for result in seeds]
  cells = [row.network, f'{row.what} (`{row.config}`)', row.source]
  cells.append(_spread(right, '.2f'))
  if all(_cuts(result) for result in seeds):
    gained = [
      after - _accuracy(result['stages'][0])
      for after, result in zip(right, seeds, strict=True)
    ]
    cells.append(_spread(gained, '+.2f'))
    for budget in ('cop_flops', 'cop_params'):
      cells.append(_spread([_gone(x, budget) for x in seeds], '.1f'))
    taken = [
      sum(stage['seconds'] for stage in result['stages'][1:])
      for result in seeds
    ]
  else:
    cells += ['', '', '']
    taken = [result['wall_seconds'] for result in seeds]
  cells += [_spread(taken, '.0f'), str(len(seeds))]
  return f'| {" | ".join(cells)} |'


def table(results: Results) -> str:
  """All configs that have results: median (least to most)."""
  lines = [
    '| network | channels go by | source | accuracy % | change |'
    ' FLOPs gone % | parameters gone % | seconds | seeds |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
  ]
  for row in FILTER_ROWS:
    seeds = results.get(row.config)
    if seeds:
      lines.append(_line(row, seeds))
  return '\n'.join(lines) + '\n'


def commands(results: Results) -> str:
  """How each line of the table is made again."""
  lines = ['```sh']
  dense = 'runs/vgg16_cifar10_dense_cpu'
  for row in FILTER_ROWS:
    if row.config not in results:
      continue
    numbers = ','.join(str(x['seed']) for x in results[row.config])
    shared = row.network == 'VGG16' and 'dense' not in row.config
    lines += [
      f'python -m experiments.seeds --config=configs/{row.file} \\',
      f'  --seeds={numbers} --workdir=runs/{row.config}'
      + (f' \\\n  --dense_from={dense}' if shared else ''),
    ]
  return '\n'.join([*lines, '```']) + '\n'
