"""LeNet-5 on MNIST with as few weights as keep the error.

The record at hand: 297.7x at 0.91 %, by OLMP. Surgery at a high rate comes
first, since what it cuts wrongly comes back; then the whole net is pruned
gradually to an exact count by |w| times the root mean square of its gradient.

  python -m experiments.seeds --config=configs/lenet5_best.py \
    --seeds=0,1,2,3,4 --workdir=runs/lenet5_best

takes some seven minutes a seed on 2 cores; there are no results of it yet.
`:own` trains the dense start too.
"""

from ml_collections import ConfigDict

from configs import common_best


def get_config(arg: str | None = None) -> ConfigDict:
  """The experiment, or the same from a start of our own."""
  return common_best.config(
    arg,
    'lenet5_best',
    'lenet5',
    c_rates={'conv1': 2.0, 'conv2': 3.0, 'ip1': 4.0, 'ip2': 2.5},
    kept=1_067,
    surgery_steps=16_000,
    steps=40_000,
    rate=0.05,
  )
