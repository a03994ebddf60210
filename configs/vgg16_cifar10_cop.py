"""VGG16 on CIFAR-10, pruned by COP (Wang et al. 2019).

Channels whose work others can do go first, with a preference for those that
cost parameters, in all layers at once; then the cut network is trained as the
dense one was. Published: 93.56 % become 93.31 % with 92.8 % of the parameters
and 73.5 % of the FLOPs gone.

  python -m experiments.seeds --config=configs/vgg16_cifar10_cop.py \
    --seeds=0,1,2 --workdir=runs/vgg16_cifar10_cop

needs an accelerator. `:cpu` behind the file's name takes a network of an
eighth of the widths, 10,000 images and half of the FLOPs: 7 minutes a seed on
2 cores, 2 where the dense network is taken from another run by --dense_from.
`:seed` counts the budget as the published code does: 65 % of the 4,739
channels that its layers read.
"""

from ml_collections import ConfigDict

from configs import common_cifar


def get_config(arg: str | None = None) -> ConfigDict:
  """The experiment."""
  common_cifar.known(arg, 'vgg16_cifar10_cop', 'cpu', 'seed')
  config, training = common_cifar.cifar_config('vgg16', 'cop', arg)
  part = 0.5 if common_cifar.is_short(arg) else 0.265
  config.stages = ('filters', 'finetune')
  # Of the shorter one chosen on held-out images.
  settings = {'gamma': 1.0 if arg == 'cpu' else 3.0}
  config.filters = common_cifar.cut(
    density=part, score='cop', score_settings=settings
  )
  if arg == 'seed':
    # What is cut is rounded down, for convolutions and the dense layers apart.
    config.filters.density = 1 - 3_079 / 4_739
    config.filters.budget = 'cop_inputs'
  config.finetune = training.stage('finetune', training.tuned)
  return config
