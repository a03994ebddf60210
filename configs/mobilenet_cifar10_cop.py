"""MobileNet on CIFAR-10, pruned by COP (Wang et al. 2019).

Channels whose work others can do go first, with a preference for those that
cost parameters. Published: 93.90 % become 93.39 % with 67.2 % of the
parameters and 59.5 % of the FLOPs gone.

  python -m experiments.seeds --config=configs/mobilenet_cifar10_cop.py \
    --seeds=0,1,2 --workdir=runs/mobilenet_cifar10_cop

needs an accelerator. `:cpu` behind the file's name takes a network of an
eighth of the widths, 10,000 images and half of the FLOPs: 12 minutes a seed on
2 cores. `:seed` counts the budget as the published code does.
"""

from ml_collections import ConfigDict

from configs import common_cifar


def get_config(arg: str | None = None) -> ConfigDict:
  """The experiment."""
  common_cifar.known(arg, 'mobilenet_cifar10_cop', 'cpu', 'seed')
  config, training = common_cifar.cifar_config('mobilenet', 'cop', arg)
  part = 0.5 if common_cifar.is_short(arg) else 0.265
  config.stages = ('filters', 'finetune')
  settings = {'beta': 0.1, 'gamma': 0.9}
  config.filters = common_cifar.cut(
    density=part if arg == 'cpu' else 0.4, score='cop', score_settings=settings
  )
  if arg == 'seed':
    config.filters.density = 0.5
    config.filters.budget = 'cop_inputs'
  config.finetune = training.stage('finetune', training.tuned)
  return config
