r"""Runs one experiment, or goes on with it where it stopped.

  python -m experiments.run --config=configs/lenet5_dns.py --workdir=runs/x \
    [--config.seed=3 ...] [--overwrite] [--dense_from=runs/y]
  python -m experiments.run --config=... --workdir=runs/x --mode=evaluate
"""

import sys

from absl import app, flags
from ml_collections import config_flags

from experiments import launch
from prunax import report

_CONFIG = config_flags.DEFINE_config_file(
  'config', None, 'The experiment: a file of configs/.', lock_config=True
)
_WORKDIR = flags.DEFINE_string('workdir', None, 'The folder of the run.')
_MODE = flags.DEFINE_enum(
  'mode', 'run', ['run', 'evaluate'], 'Run, or evaluate what a run gave.'
)
_OVERWRITE = flags.DEFINE_bool(
  'overwrite', False, 'Start anew: removes what an earlier run left there.'
)
_DENSE_FROM = flags.DEFINE_string(
  'dense_from', None, 'A run with the same dense start, which is not trained.'
)


def main(argv: list[str]) -> None:
  launch.refuse_arguments(argv)
  run = launch.make_run(_CONFIG.value, _WORKDIR.value)
  if _MODE.value == 'evaluate':
    result = run.evaluate()
    print(
      f'{run.folder.last_artifact()}: {result["accuracy"]:.2%} right,'
      f' {result["errors"]} errors in {result["count"]}',
      flush=True,
    )
    return
  if run.note:
    print(run.note, file=sys.stderr)
  summary = run.execute(_OVERWRITE.value, _DENSE_FROM.value)
  print(report.summary_text(summary), end='')
  print(f'the artifacts lie in {run.folder.artifact_folder}', flush=True)


def cli() -> None:
  flags.mark_flags_as_required(['config', 'workdir'])
  launch.guarded(lambda: app.run(main, flags_parser=launch.parse_flags))


if __name__ == '__main__':
  cli()
