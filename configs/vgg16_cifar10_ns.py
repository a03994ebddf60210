"""VGG16 on CIFAR-10 by network slimming (Liu et al. 2017).

An L1 penalty draws the scales of the norms to zero while the network trains;
the channels of the smallest go, wherever they are, and the rest is trained on:
half of the epochs each.

  python -m experiments.seeds --config=configs/vgg16_cifar10_ns.py \
    --seeds=0,1,2 --workdir=runs/vgg16_cifar10_ns

needs an accelerator. `:cpu` behind the file's name takes a network of an
eighth of the widths, 10,000 images and half of the FLOPs: 7 minutes a seed on
2 cores, 2 where the dense network is taken from another run by --dense_from.
"""

from ml_collections import ConfigDict

from configs import common_cifar


def get_config(arg: str | None = None) -> ConfigDict:
  """The experiment."""
  common_cifar.known(arg, 'vgg16_cifar10_ns', 'cpu')
  config, training = common_cifar.cifar_config('vgg16', 'ns', arg)
  part = 0.5 if common_cifar.is_short(arg) else 0.265
  config.stages = ('slim', 'filters', 'finetune')
  strength = 1e-3 if arg else 1e-4
  config.slim = training.stage(
    'slim', training.tuned / 2, rules=(('norm.*/scale', strength), ('.*', None))
  )
  config.filters = common_cifar.cut(density=part, score='bn_scale')
  config.finetune = training.stage('finetune', training.tuned / 2)
  return config
