"""LeNet-300-100 on MNIST with as few weights as keep the error.

The record at hand: 113.5x at 2.18 %, by OLMP. The whole net is pruned
gradually to an exact count by |w| times the root mean square of its gradient,
at a constant rate; then the rate falls to 0.

  python -m experiments.seeds --config=configs/lenet300_best.py \
    --seeds=0,1,2,3,4,5,6,7,8,9 --workdir=runs/lenet300_best

takes some two minutes a seed on 2 cores; docs/results.md has the numbers to
expect.
"""

from ml_collections import ConfigDict

from configs import common_best


def get_config(arg: str | None = None) -> ConfigDict:
  """The experiment; it takes no argument."""
  if arg:
    raise ValueError(f'lenet300_best takes no argument, got {arg!r}')
  return common_best.config(
    'lenet300_best', 'lenet300100', 'ip3', kept=1_481, steps=160_000, rate=0.05
  )
