"""VGG16 on CIFAR-10 by the error behind the relu (Jiang et al. 2018).

The channels go without which the next layers' outputs change least behind
their relu, the same part of each layer; then Adam trains what is left of each
layer, one after the other, to give again what it gave. Our reading of a paper
that gives no code.

  python -m experiments.seeds --config=configs/vgg16_cifar10_nre.py \
    --seeds=0,1,2 --workdir=runs/vgg16_cifar10_nre

needs an accelerator. `:cpu` behind the file's name takes a network of an
eighth of the widths, 10,000 images and half of the FLOPs: 7 minutes a seed on
2 cores, 2 where the dense network is taken from another run by --dense_from.
"""

from ml_collections import ConfigDict

from configs import common_cifar


def get_config(arg: str | None = None) -> ConfigDict:
  """The experiment."""
  common_cifar.known(arg, 'vgg16_cifar10_nre', 'cpu')
  config, training = common_cifar.cifar_config('vgg16', 'nre', arg)
  part = 0.5 if common_cifar.is_short(arg) else 0.265
  config.stages = ('filters', 'finetune')
  config.filters = common_cifar.cut(
    density=part,
    score='nre',
    scope='layer',
    examples=250,
    reconstruct={'steps': 50, 'rate': 1e-3},
  )
  config.finetune = training.stage('finetune', training.tuned)
  return config
