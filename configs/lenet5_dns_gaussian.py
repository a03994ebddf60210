"""LeNet-5 on MNIST by the re-implementation's surgery with gaussian windows.

HolmesShuan's rule: weights within `threshold` standard deviations of the
mean are pruned, one decision a step for the whole net, biases never. No
numbers were published for LeNet-5; the windows ask for 80 % of the
convolutions and 95 % of the fully connected weights.

  python -m experiments.seeds --config=configs/lenet5_dns_gaussian.py \
    --seeds=0,1,2 --workdir=runs/lenet5_dns_gaussian

takes 2 to 6 minutes a seed on 2 cores; docs/results.md has the numbers to
expect.
"""

from ml_collections import ConfigDict

from configs import common


def get_config(arg: str | None = None) -> ConfigDict:
  """The experiment, from the released dense model or an own one."""
  name, start = common.variant(arg, 'lenet5_dns_gaussian', 'lenet5_reference')
  config = common.mnist_config(name, 'lenet5', start)
  config.stages = ('surgery',)
  config.surgery = ConfigDict(
    {
      'kind': 'surgery',
      'steps': 16_000,
      'optimizer': common.caffe_solver(),
      'surgery_iter_gamma': 1e-4,
      'surgery_iter_power': 1.0,
      'rules': (
        ('conv.*', {'threshold': 1.281}),
        ('ip.*', {'threshold': 1.959}),
      ),
    }
  )
  return config
