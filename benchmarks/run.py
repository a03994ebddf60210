r"""Measures speed and writes results/bench_*.json.

  python -m benchmarks.run [--rounds=15] \
    [--only=dns,dense,thresholds,search,codec,codebook,shrink]

Run it with nothing else running. Only ratios within one process mean much.
"""

import pathlib
import platform

import jax
from absl import app, flags

from benchmarks import (
  codebook,
  codec,
  dense,
  dns,
  search,
  shrink,
  thresholds,
)
from prunax.rundir import write_json
from prunax.version import versions

_BENCHMARKS = {
  'dns': dns,
  'dense': dense,
  'thresholds': thresholds,
  'search': search,
  'codec': codec,
  'codebook': codebook,
  'shrink': shrink,
}
_ONLY = flags.DEFINE_list('only', list(_BENCHMARKS), 'Which to measure.')
_ROUNDS = flags.DEFINE_integer('rounds', 15, 'Pairs timed for each ratio.', 1)
_RESULTS = flags.DEFINE_string('results', 'results', 'Where results go.')


def main(argv: list[str]) -> None:
  del argv
  folder = pathlib.Path(_RESULTS.value)
  folder.mkdir(parents=True, exist_ok=True)
  for name in _ONLY.value:
    if name not in _BENCHMARKS:
      known = ', '.join(_BENCHMARKS)
      raise app.UsageError(f'--only must name some of {known}, got {name!r}')
    found = _BENCHMARKS[name].measure(rounds=_ROUNDS.value)
    result = {
      'benchmark': name,
      'rounds': _ROUNDS.value,
      'device': jax.devices()[0].device_kind,
      'machine': platform.machine(),
      'versions': versions(),
      **found,
    }
    write_json(folder / f'bench_{name}.json', result)
    for line in _lines(name, found):
      print(line)


def _lines(name: str, found: dict) -> list[str]:
  lines = []
  for case, row in found.items():
    if isinstance(row, dict):
      numbers = [
        f'{key} {value:.3f}' if isinstance(value, float) else f'{key} {value}'
        for key, value in row.items()
        if isinstance(value, (int, float, str))
      ]
      lines.append(f'{name} {case}: {", ".join(numbers)}')
  return lines


if __name__ == '__main__':
  app.run(main)
