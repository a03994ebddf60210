"""VGG16 on CIFAR-10 by soft filter pruning (He et al. 2018).

The filters of the smallest norms are zeroed after each epoch and may come
back, the same part of all layers; what is zero in the end is cut and the rest
trained on: half of the epochs each.

  python -m experiments.seeds --config=configs/vgg16_cifar10_sfp.py \
    --seeds=0,1,2 --workdir=runs/vgg16_cifar10_sfp

needs an accelerator. `:cpu` behind the file's name takes a network of an
eighth of the widths, 10,000 images and half of the FLOPs: 7 minutes a seed on
2 cores, 2 where the dense network is taken from another run by --dense_from.
"""

from ml_collections import ConfigDict

from configs import common_cifar


def get_config(arg: str | None = None) -> ConfigDict:
  """The experiment."""
  common_cifar.known(arg, 'vgg16_cifar10_sfp', 'cpu')
  config, training = common_cifar.cifar_config('vgg16', 'sfp', arg)
  part = 0.5 if common_cifar.is_short(arg) else 0.265
  common_cifar.soft_stages(config, training, part)
  return config
