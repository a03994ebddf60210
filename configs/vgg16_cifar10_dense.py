"""VGG16 on CIFAR-10 as it is, which the experiments with it start from.

  python -m experiments.seeds --config=configs/vgg16_cifar10_dense.py \
    --seeds=0,1,2 --workdir=runs/vgg16_cifar10_dense

needs an accelerator; 93.56 % right in Wang et al. (2019). `:cpu` behind the
file's name takes a network of an eighth of the widths and 10,000 images, 5
minutes a seed on 2 cores. An experiment that prunes the network need not train
it again: it takes `--dense_from=runs/vgg16_cifar10_dense`.
"""

from ml_collections import ConfigDict

from configs import common_cifar


def get_config(arg: str | None = None) -> ConfigDict:
  """The experiment."""
  common_cifar.known(arg, 'vgg16_cifar10_dense', 'cpu')
  config, _ = common_cifar.cifar_config('vgg16', 'dense', arg)
  return config
