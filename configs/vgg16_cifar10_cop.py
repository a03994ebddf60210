"""VGG16 on CIFAR-10, pruned by COP (Wang et al. 2019).

Channels whose work others can do go first, with a preference for those that
save parameters (gamma 3), in all layers at once; then the cut network is
trained as the dense one was. Published: 93.56 % become 93.31 % with 92.8 % of
the parameters and 73.5 % of the FLOPs gone.

  python -m experiments.seeds --config=configs/vgg16_cifar10_cop.py \
    --seeds=0,1,2 --workdir=runs/vgg16_cifar10_cop

needs an accelerator. `:cpu` behind the file's name takes a network of an
eighth of the widths, 10,000 images and half of the FLOPs: 8 minutes a seed on
a core.
"""

from ml_collections import ConfigDict

from configs import common_cifar


def get_config(arg: str | None = None) -> ConfigDict:
  """The experiment."""
  common_cifar.known(arg, 'vgg16_cifar10_cop', 'cpu')
  config, training = common_cifar.cifar_config('vgg16', 'cop', arg)
  config.stages = ('filters', 'finetune')
  config.filters = ConfigDict(
    {'kind': 'filters', 'density': 0.5 if arg else 0.25, 'score': 'cop'}
  )
  config.finetune = training.stage('finetune', training.tuned)
  return config
