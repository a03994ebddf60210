"""The lines of the tables of filter pruning, and whom they follow."""

from typing import NamedTuple


class FilterRow(NamedTuple):
  """A line of a table: a config, what it cuts by, and who proposed it."""

  config: str
  file: str
  network: str
  what: str
  source: str


def _vgg(name: str, arg: str, what: str, source: str) -> FilterRow:
  config = f'vgg16_cifar10_{name}'
  return FilterRow(
    f'{config}_{arg}', f'{config}.py:{arg}', 'VGG16', what, source
  )


FILTER_ROWS = (
  _vgg('dense', 'cpu', 'nothing is cut', ''),
  _vgg('baseline', 'cpu_random', 'any channels', ''),
  _vgg('baseline', 'cpu_l1', 'L1 norm', 'Li et al. 2017'),
  _vgg('baseline', 'cpu', 'L2 norm', 'He et al. 2018'),
  _vgg('baseline', 'cpu_bn_scale', 'scale of the norm', 'Liu et al. 2017'),
  _vgg('baseline', 'cpu_taylor', 'Taylor', 'Molchanov et al. 2019'),
  _vgg('ns', 'cpu', 'network slimming', 'Liu et al. 2017'),
  _vgg('sfp', 'cpu', 'soft filter pruning', 'He et al. 2018'),
  _vgg('fpgm', 'cpu', 'geometric median', 'He et al. 2019'),
  _vgg('pfa', 'cpu', 'PFA, energy (our reading)', 'Suau et al. 2018'),
  _vgg('pfa', 'cpu_kl', 'PFA, KL (our reading)', 'Suau et al. 2018'),
  _vgg('nre', 'cpu', 'NRE (our reading)', 'Jiang et al. 2018'),
  _vgg('cop', 'cpu', 'COP', 'Wang et al. 2019'),
  FilterRow(
    'resnet32_cifar10_cop_cpu',
    'resnet32_cifar10_cop.py:cpu',
    'ResNet32',
    'COP',
    'Wang et al. 2019',
  ),
  FilterRow(
    'mobilenet_cifar10_cop_cpu',
    'mobilenet_cifar10_cop.py:cpu',
    'MobileNet',
    'COP',
    'Wang et al. 2019',
  ),
)
