"""VGG16 on CIFAR-10, pruned by the usual scores.

By the norm of the filters, the same part of each layer; then the cut network
is trained as the dense one was.

  python -m experiments.seeds --config=configs/vgg16_cifar10_baseline.py \
    --seeds=0,1,2 --workdir=runs/vgg16_cifar10_baseline

needs an accelerator. `:cpu` behind the file's name takes a network of an
eighth of the widths, 10,000 images and half of the FLOPs: 7 minutes a seed on
2 cores, 2 where the dense network is taken from another run by --dense_from.
Other scores stand behind the file's name, and with them these of a minute:
`:l1`, `:random`, `:taylor` (global), `:bn_scale` (global), `:cpu_l1`,
`:cpu_random`, `:cpu_taylor`, `:cpu_bn_scale`.
"""

from ml_collections import ConfigDict

from configs import common_cifar

_SCORES = ('l1', 'random', 'taylor', 'bn_scale')


def get_config(arg: str | None = None) -> ConfigDict:
  """The experiment."""
  known = [y for x in _SCORES for y in (x, f'cpu_{x}')]
  common_cifar.known(arg, 'vgg16_cifar10_baseline', 'cpu', *known)
  config, training = common_cifar.cifar_config('vgg16', 'baseline', arg)
  part = 0.5 if common_cifar.is_short(arg) else 0.265
  config.stages = ('filters', 'finetune')
  score = (arg or '').removeprefix('cpu').removeprefix('_') or 'l2'
  scope = 'global' if score in ('taylor', 'bn_scale') else 'layer'
  config.filters = common_cifar.cut(density=part, score=score, scope=scope)
  config.finetune = training.stage('finetune', training.tuned)
  return config
