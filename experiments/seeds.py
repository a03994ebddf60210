r"""Runs an experiment for several seeds and writes one result file a seed.

  python -m experiments.seeds --config=configs/lenet5_dns.py \
    --seeds=0,1,2,3,4 --workdir=runs/lenet5_dns [--results=results]

Seeds that are done are skipped; all are printed, with median and spread.
"""

import pathlib
import shutil
import sys
from typing import Any

import numpy as np
from absl import app, flags
from ml_collections import ConfigDict, config_flags

from experiments import launch
from prunax import report
from prunax.plan import LARGEST_SEED
from prunax.rundir import write_json, writing

_CONFIG = config_flags.DEFINE_config_file(
  'config', None, 'The experiment: a file of configs/.', lock_config=True
)
_SEEDS = flags.DEFINE_list('seeds', ['0', '1', '2', '3', '4'], 'The seeds.')
_WORKDIR = flags.DEFINE_string('workdir', None, 'The folder of all the runs.')
_RESULTS = flags.DEFINE_string('results', 'results', 'Where results go.')
_OVERWRITE = flags.DEFINE_bool(
  'overwrite', False, 'Start every seed anew, also those that are done.'
)
_DENSE_FROM = flags.DEFINE_string(
  'dense_from',
  None,
  'The --workdir of another experiment with the same dense starts, which are'
  ' not trained anew.',
)


# Bytes.
_MOST_KEPT = 16_384


def _seeds(words: list[str]) -> list[int]:
  try:
    seeds = [int(word) for word in words]
  except ValueError:
    seeds = []
  allowed = all(0 <= seed <= LARGEST_SEED for seed in seeds)
  if not seeds or not allowed or len(seeds) > len(set(seeds)):
    launch.leave(
      f'--seeds must be different whole numbers from 0 to {LARGEST_SEED} with'
      ' commas, got'
      f' {",".join(words) or "none"}',
      2,
    )
  return seeds


def _result(summary: dict[str, Any], predictions: str) -> dict[str, Any]:
  """What is kept of a run for ever."""
  last = summary['stages'][-1]
  part = {k: summary[k] for k in ('trained_on',) if k in summary}
  kept = ('alive', 'size', 'ratio', 'ratio_weights', 'error_percent')
  return {
    'config': summary['config'],
    'seed': summary['seed'],
    **part,
    **{key: last[key] for key in kept},
    # A run that ended before there was a small file has none.
    'bytes': last.get('bytes'),
    'ratio_bytes': last.get('ratio_bytes'),
    'wall_seconds': summary['wall_seconds'],
    'versions': summary['versions'],
    'predictions': predictions,
    'stages': summary['stages'],
  }


def _keep_predictions(source: pathlib.Path, target: pathlib.Path) -> None:
  """Copies the classes of all test images, small enough for a repository."""
  with np.load(source) as file:
    predictions = file['predictions']
  if predictions.max() < 256:
    predictions = predictions.astype(np.uint8)
  np.savez_compressed(target, predictions=predictions)


def _keep_packed(source: pathlib.Path, target: pathlib.Path) -> None:
  """Copies the small file, where it is small enough for a repository."""
  if source.exists() and source.stat().st_size <= _MOST_KEPT:
    shutil.copyfile(source, target)


def main(argv: list[str]) -> None:
  launch.refuse_arguments(argv)
  results = pathlib.Path(_RESULTS.value)
  if results.exists() and not results.is_dir():
    launch.leave(f'--results must be a folder, got the file {results}', 1)
  launch.need_workdir(_WORKDIR.value)
  rows = []
  for seed in _seeds(_SEEDS.value):
    config = ConfigDict(_CONFIG.value)
    config.seed = seed
    run = launch.make_run(config, f'{_WORKDIR.value}/seed{seed}')
    # Before the hours that the run may take.
    with writing(results):
      results.mkdir(parents=True, exist_ok=True)
    print(f'seed {seed}: {run.folder.path}', file=sys.stderr)
    if run.note:
      print(run.note, file=sys.stderr)
    shared = _DENSE_FROM.value and f'{_DENSE_FROM.value}/seed{seed}'
    summary = run.execute(_OVERWRITE.value, shared)
    if run.note:
      # From another start it is another experiment.
      summary = {**summary, 'config': f'{summary["config"]}_own'}
    name = f'{summary["config"]}-seed{seed}'
    with writing(results):
      _keep_predictions(run.folder.predictions, results / f'{name}.npz')
      _keep_packed(run.folder.packed, results / f'{name}.prx')
    rows.append(_result(summary, f'{name}.npz'))
    write_json(results / f'{name}.json', rows[-1])
  print(report.seeds_text(str(_CONFIG.value.name), rows), end='')
  print(f'the results lie in {results}', flush=True)


def cli() -> None:
  flags.mark_flags_as_required(['config', 'workdir'])
  launch.guarded(lambda: app.run(main, flags_parser=launch.parse_flags))


if __name__ == '__main__':
  cli()
