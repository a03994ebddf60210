"""LeNet-5 on MNIST by surgery in two phases: convolutions, then the rest.

The order that Guo et al. (2016) use for AlexNet, with the constants of their
LeNet-5: the second phase goes on from the zeros of the first.

  python -m experiments.seeds --config=configs/lenet5_dns_two_phase.py \
    --seeds=0,1,2 --workdir=runs/lenet5_dns_two_phase

takes 4 to 9 minutes a seed on 2 cores; docs/results.md has the numbers to
expect.
"""

from typing import Any

from ml_collections import ConfigDict

from configs import common


def _phase(steps: int, iter_stop: int, c_rates: dict[str, float]) -> ConfigDict:
  when = {'gamma': 1e-4, 'power': 1.0, 'iter_stop': iter_stop}
  rules: list[tuple[str, Any]] = [
    (f'{layer}/.*', {'c_rate': c_rate, **when})
    for layer, c_rate in c_rates.items()
  ]
  return ConfigDict(
    {
      'kind': 'surgery',
      'steps': steps,
      'optimizer': common.caffe_solver(),
      'rules': (*rules, ('.*', None)),
    }
  )


def get_config(arg: str | None = None) -> ConfigDict:
  """The experiment, from the released dense model or an own one."""
  name, start = common.variant(arg, 'lenet5_dns_two_phase', 'lenet5_reference')
  config = common.mnist_config(name, 'lenet5', start)
  config.stages = ('convolutions', 'connections')
  config.convolutions = _phase(8_000, 7_000, {'conv1': 2.0, 'conv2': 3.0})
  config.connections = _phase(16_000, 14_000, {'ip1': 4.0, 'ip2': 2.5})
  return config
