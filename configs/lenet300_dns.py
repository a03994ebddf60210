"""LeNet-300-100 on MNIST by Dynamic Network Surgery (Guo et al. 2016).

The paper's Table 1: 56x fewer parameters, 2.28 % error before and 1.99 %
after. The constants are those stored in the authors' released sparse model.

  python -m experiments.seeds --config=configs/lenet300_dns.py \
    --seeds=0,1,2,3,4 --workdir=runs/lenet300_dns

takes less than a minute a seed on 2 cores; docs/results.md has the numbers to
expect. `:own` after the file's name trains the dense start too, 10,000 steps.
"""

from ml_collections import ConfigDict

from configs import common


def get_config(arg: str | None = None) -> ConfigDict:
  """The experiment, from the released dense model or an own one."""
  name, start = common.starting_model(
    arg, 'lenet300_dns', 'lenet300100_reference'
  )
  config = common.mnist_config(name, 'lenet300100', start)
  config.checkpoint_every = 10_000
  when = {'gamma': 1e-4, 'power': 1.0, 'iter_stop': 20_000}
  config.stages = ('surgery',)
  config.surgery = ConfigDict(
    {
      'kind': 'surgery',
      'steps': 25_000,
      'optimizer': common.caffe_solver(),
      'rules': (
        ('ip1/.*', {'c_rate': 5.0, **when}),
        ('ip2/.*', {'c_rate': 3.0, **when}),
        ('ip3/.*', {'c_rate': 3.0, **when}),
      ),
    }
  )
  return config
