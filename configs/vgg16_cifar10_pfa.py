"""VGG16 on CIFAR-10 by principal filter analysis (Suau et al. 2018).

All layers keep as much of the energy of what the next layers receive from
1,000 training images, and in each the most correlated channels go. Our reading
of a paper that gives no code.

  python -m experiments.seeds --config=configs/vgg16_cifar10_pfa.py \
    --seeds=0,1,2 --workdir=runs/vgg16_cifar10_pfa

needs an accelerator. `:cpu` behind the file's name takes a network of an
eighth of the widths, 10,000 images and half of the FLOPs: 7 minutes a seed on
2 cores, 2 where the dense network is taken from another run by --dense_from.
`:kl` and `:cpu_kl` let the spectrum of each layer say how many of its channels
stay, which is a budget of its own.
"""

from ml_collections import ConfigDict

from configs import common_cifar


def get_config(arg: str | None = None) -> ConfigDict:
  """The experiment."""
  common_cifar.known(arg, 'vgg16_cifar10_pfa', 'cpu', 'kl', 'cpu_kl')
  config, training = common_cifar.cifar_config('vgg16', 'pfa', arg)
  part = 0.5 if common_cifar.is_short(arg) else 0.265
  config.stages = ('filters', 'finetune')
  by_spectrum = arg is not None and arg.endswith('kl')
  config.filters = (
    common_cifar.cut(score='pfa_kl')
    if by_spectrum
    else common_cifar.cut(density=part, score='pfa')
  )
  config.finetune = training.stage('finetune', training.tuned)
  return config
