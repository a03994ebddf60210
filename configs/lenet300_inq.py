"""LeNet-300-100 on MNIST with 4-bit weights, by incremental quantization.

Zhou et al. (2017) in portions of 30, 60, 80 and 100 %: every weight ends as 0
or one of seven powers of two of either sign, biases stay float. The released
dense model errs on 2.27 %; at most 1.95 % are wanted, since the retraining
helps too. `:dns` prunes first, as configs/lenet300_dns.py:tuned does, and at
most 2.15 % are wanted.

  python -m experiments.seeds --config=configs/lenet300_inq.py \
    --seeds=0,1,2 --workdir=runs/lenet300_inq

takes a minute a seed on 2 cores; docs/results.md has the numbers to expect.
`:own` after the file's name trains the dense start too, 10,000 steps, and
`:dns_own` does so before it prunes.
"""

from ml_collections import ConfigDict

from configs import common, lenet300_dns


def get_config(arg: str | None = None) -> ConfigDict:
  """The experiment, dense or pruned first, or from an own start."""
  name, start = common.variant(
    arg, 'lenet300_inq', 'lenet300100_reference', ('own', 'dns', 'dns_own')
  )
  config = common.mnist_config(name, 'lenet300100', start)
  config.checkpoint_every = 10_000
  config.stages = ('inq',)
  if arg and 'dns' in arg:
    config.stages = ('surgery', 'inq')
    config.surgery = lenet300_dns.get_config('tuned').surgery
  else:
    # Nothing else depends on the seed.
    config.data.order = 'shuffle'
  config.inq = common.quantizing(rate=0.01, every=4_000)
  return config
