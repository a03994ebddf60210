"""ResNet32 on CIFAR-10, pruned by COP (Wang et al. 2019).

Channels whose work others can do go first, with a preference for those that
cost FLOPs. Published: 92.64 % become 91.97 % with 57.5 % of the parameters and
53.9 % of the FLOPs gone.

  python -m experiments.seeds --config=configs/resnet32_cifar10_cop.py \
    --seeds=0,1,2 --workdir=runs/resnet32_cifar10_cop

needs an accelerator. `:cpu` behind the file's name takes a network of 6, 12
and 24 channels, 10,000 images and half of the FLOPs: 12 minutes a seed on
2 cores. `:seed` counts the budget as the published code does, and leaves its
shortcuts and the classifier out where a channel leads to other layers too.
"""

from ml_collections import ConfigDict

from configs import common_cifar


def get_config(arg: str | None = None) -> ConfigDict:
  """The experiment."""
  common_cifar.known(arg, 'resnet32_cifar10_cop', 'cpu', 'seed')
  config, training = common_cifar.cifar_config('resnet32', 'cop', arg)
  part = 0.5 if common_cifar.is_short(arg) else 0.265
  config.stages = ('filters', 'finetune')
  settings = {'beta': 3.0}
  config.filters = common_cifar.cut(
    density=part if arg == 'cpu' else 0.46, score='cop', score_settings=settings
  )
  if arg == 'seed':
    config.filters.density = 0.7
    config.filters.budget = 'cop_inputs'
    config.filters.score_settings.without = '.*/shortcut/.*|dense/.*'
  config.finetune = training.stage('finetune', training.tuned)
  return config
