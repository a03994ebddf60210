"""LeNet-5 on MNIST, few weights and these of 4 bits: surgery, then INQ.

The surgery of configs/lenet5_dns.py leaves one weight in 108 (Guo et al.
2016), and incremental quantization (Zhou et al. 2017) makes those powers of
two: zeros stay zeros, and portions are counted of the rest. At most 1.10 % of
errors are wanted.

  python -m experiments.seeds --config=configs/lenet5_dns_inq.py \
    --seeds=0,1,2 --workdir=runs/lenet5_dns_inq

takes 5 to 12 minutes a seed on 2 cores; docs/results.md has the numbers to
expect. `:own` after the file's name trains the dense start too, 10,000 steps.
"""

from ml_collections import ConfigDict

from configs import common, lenet5_dns


def get_config(arg: str | None = None) -> ConfigDict:
  """The experiment, from the released dense model or an own one."""
  name, start = common.variant(arg, 'lenet5_dns_inq', 'lenet5_reference')
  config = common.mnist_config(name, 'lenet5', start)
  config.stages = ('surgery', 'inq')
  config.surgery = lenet5_dns.get_config().surgery
  config.inq = common.quantizing(rate=0.01, every=4_000)
  return config
