r"""Packs models that are at hand and writes results/sizes.json.

  python -m benchmarks.sizes

needs PRUNAX_MODELS_DIR, for the released sparse LeNet-5, and MNIST, to read
the test set once for each file; our own model lies in results/. Bytes are
those of the file, header and all.
"""

import os
import pathlib
import sys
import tempfile
from typing import Any, NamedTuple

from prunax import commands
from prunax.errors import InputError
from prunax.report_files import packed_text
from prunax.rundir import write_json
from prunax.version import versions

ROOT = pathlib.Path(__file__).parent.parent


class Case(NamedTuple):
  """A model, and what is changed before it is packed."""

  name: str
  source: str
  levels: str | None = None
  to: str | None = None


CASES = (
  Case('released, lossless', 'lenet5_dns_sparse'),
  Case('released, 16 levels', 'lenet5_dns_sparse', '16'),
  Case('released, 16 levels in half', 'lenet5_dns_sparse', '16', 'float16'),
  # Of our LeNet-5 by OLMP, those with the nearest count to 1,450.
  *(
    case
    for seed in (1, 3)
    for case in (
      Case(f'ours, seed {seed}, 12 levels', f'lenet5_best-seed{seed}', '12'),
      Case(
        f'ours, seed {seed}, 12 levels in half',
        f'lenet5_best-seed{seed}',
        '12',
        'float16',
      ),
    )
  ),
)


def _file(source: str) -> pathlib.Path:
  ours = ROOT / 'results' / f'{source}.prx'
  if ours.exists():
    return ours
  folder = os.environ.get('PRUNAX_MODELS_DIR')
  if not folder:
    raise InputError(
      f'the model {source!r} must be at hand, got no PRUNAX_MODELS_DIR: set it'
    )
  return pathlib.Path(folder).expanduser() / f'{source}.caffemodel'


def measure(case: Case, folder: pathlib.Path) -> dict[str, Any]:
  """Packs a model and evaluates what the file gives back."""
  out = folder / 'packed.prx'
  said = commands.pack(str(_file(case.source)), str(out), case.levels, case.to)
  print(packed_text(case.name, said), end='')
  total = said['total']
  score = commands.evaluate(str(out), 'lenet5', 'mnist')
  return {
    'case': case.name,
    'source': case.source,
    'levels': case.levels,
    'rounded': case.to,
    **{k: total[k] for k in ('alive', 'bytes', 'ratio', 'ratio_bytes')},
    'bytes_an_alive_weight': total['bytes'] / total['alive'],
    'error_percent': 100 * score['errors'] / score['count'],
    'header': said['header'],
    'leaves': said['leaves'],
  }


def main() -> None:
  with tempfile.TemporaryDirectory() as folder:
    rows = [measure(case, pathlib.Path(folder)) for case in CASES]
  found = {'sizes': rows, 'versions': versions()}
  write_json(ROOT / 'results' / 'sizes.json', found)
  for row in rows:
    print(
      f'{row["case"]}: {row["bytes"]:,} bytes,'
      f' {row["bytes_an_alive_weight"]:.3f} an alive weight,'
      f' {row["error_percent"]:.2f} % wrong'
    )


if __name__ == '__main__':
  try:
    main()
  except InputError as e:
    sys.exit(f'error: {e}')
