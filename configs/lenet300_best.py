"""LeNet-300-100 on MNIST with as few weights as keep the error.

The record at hand: 113.5x at 2.18 %, by OLMP. Surgery at a high rate comes
first, since what it cuts wrongly comes back; then the whole net is pruned
gradually to an exact count by |w| times the root mean square of its gradient.

  python -m experiments.seeds --config=configs/lenet300_best.py \
    --seeds=0,1,2,3,4,5,6,7,8,9 --workdir=runs/lenet300_best

takes some two minutes a seed on 2 cores; there are no results of it yet.
`:own` trains the dense start too.
"""

from ml_collections import ConfigDict

from configs import common_best


def get_config(arg: str | None = None) -> ConfigDict:
  """The experiment, or the same from a start of our own."""
  return common_best.config(
    arg,
    'lenet300_best',
    'lenet300100',
    c_rates={'ip1': 5.0, 'ip2': 3.0, 'ip3': 3.0},
    kept=1_828,
    surgery_steps=25_000,
    steps=60_000,
    rate=0.05,
  )
