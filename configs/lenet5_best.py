"""LeNet-5 on MNIST with as few weights as keep the error.

The record at hand: 297.7x at 0.91 %, by OLMP. The whole net is pruned
gradually to an exact count by |w| times the root mean square of its gradient,
at a constant rate; then the rate falls to 0.

  python -m experiments.seeds --config=configs/lenet5_best.py \
    --seeds=0,1,2,3,4 --workdir=runs/lenet5_best

takes some six minutes a seed on 2 cores; docs/results.md has the numbers to
expect.
"""

from ml_collections import ConfigDict

from configs import common_best


def get_config(arg: str | None = None) -> ConfigDict:
  """The experiment; it takes no argument."""
  if arg:
    raise ValueError(f'lenet5_best takes no argument, got {arg!r}')
  return common_best.config(
    'lenet5_best', 'lenet5', 'ip2', kept=1_231, steps=45_000, rate=0.05
  )
