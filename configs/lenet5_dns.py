"""LeNet-5 on MNIST by Dynamic Network Surgery (Guo, Yao and Chen 2016).

The paper's Table 1: 108x fewer parameters, 0.91 % error before and after. The
constants are those stored in the authors' released sparse model.

  python -m experiments.seeds --config=configs/lenet5_dns.py \
    --seeds=0,1,2,3,4 --workdir=runs/lenet5_dns

takes 2 to 6 minutes a seed on 2 cores; docs/results.md has the numbers to
expect. `:own` after the file's name trains the dense start too, 10,000 steps.
"""

from ml_collections import ConfigDict

from configs import common


def get_config(arg: str | None = None) -> ConfigDict:
  """The experiment, from the released dense model or an own one."""
  name, start = common.variant(arg, 'lenet5_dns', 'lenet5_reference')
  config = common.mnist_config(name, 'lenet5', start)
  when = {'gamma': 1e-4, 'power': 1.0, 'iter_stop': 14_000}
  config.stages = ('surgery',)
  config.surgery = ConfigDict(
    {
      'kind': 'surgery',
      'steps': 16_000,
      'optimizer': common.caffe_solver(),
      'rules': (
        ('conv1/.*', {'c_rate': 2.0, **when}),
        ('conv2/.*', {'c_rate': 3.0, **when}),
        ('ip1/.*', {'c_rate': 4.0, **when}),
        ('ip2/.*', {'c_rate': 2.5, **when}),
      ),
    }
  )
  return config
