"""LeNet-5 on MNIST with 4-bit weights, by incremental network quantization.

Zhou et al. (2017) in portions of 30, 60, 80 and 100 %: every weight ends as 0
or one of seven powers of two of either sign, biases stay float. The released
dense model errs on 0.91 %; a net of 4 bits should err no more than 0.95 %.

  python -m experiments.seeds --config=configs/lenet5_inq.py \
    --seeds=0,1,2 --workdir=runs/lenet5_inq

takes 3 to 6 minutes a seed on 2 cores; docs/results.md has the numbers to
expect. `:own` after the file's name trains the dense start too, 10,000 steps.
"""

from ml_collections import ConfigDict

from configs import common


def get_config(arg: str | None = None) -> ConfigDict:
  """The experiment, from the released dense model or an own one."""
  name, start = common.variant(arg, 'lenet5_inq', 'lenet5_reference')
  config = common.mnist_config(name, 'lenet5', start)
  # Nothing else depends on the seed.
  config.data.order = 'shuffle'
  config.stages = ('inq',)
  config.inq = common.quantizing(rate=0.01, every=4_000)
  return config
