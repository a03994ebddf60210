"""LeNet-5 on MNIST by Deep Compression (Han, Mao and Dally 2016).

The schedule of the code that was published with demonstrations (may0324):
layer by layer the smallest weights go and the rest is trained, then each layer
has few levels and these are trained: 9.3x fewer weights at about 99.06 %, of
256, 256, 32 and 32 levels.

  python -m experiments.seeds --config=configs/lenet5_deep_compression.py \
    --seeds=0,1,2 --workdir=runs/lenet5_deep_compression

takes 3 to 5 minutes a seed on one core; docs/results.md has the numbers to
expect. `:compat` leaves the levels as k-means from a linear start finds them,
as that code does: in the last stage the biases alone learn. `:own` after the
file's name trains the dense start too, 10,000 steps.
"""

from typing import Any

from ml_collections import ConfigDict

from configs import common

# What of each kernel is zero in the end, when it is pruned, and the steps.
_PRUNED = (
  ('conv1', 0.33, 500),
  ('conv2', 0.8, 1_000),
  ('ip1', 0.9, 10_500),
  ('ip2', 0.8, 11_000),
)
_LEVELS = (('conv./kernel', 256), ('ip./kernel', 32), ('.*/bias', None))


def _solver(**changes: Any) -> dict[str, Any]:
  return common.caffe_solver(0.001) | changes


def get_config(arg: str | None = None) -> ConfigDict:
  """The experiment, from the released dense model or an own one."""
  name, start = common.variant(
    arg, 'lenet5_deep_compression', 'lenet5_reference', ('compat', 'own')
  )
  config = common.mnist_config(name, 'lenet5', start)
  if arg != 'compat':
    # Nothing else depends on the seed.
    config.data.order = 'shuffle'
  config.stages = (*(f'prune_{layer}' for layer, _, _ in _PRUNED), 'share')
  rules: list[tuple[str, float | None]] = []
  for layer, ratio, steps in _PRUNED:
    rules.append((f'{layer}/kernel', ratio))
    config[f'prune_{layer}'] = ConfigDict(
      {
        'kind': 'prune_once',
        'steps': steps,
        'optimizer': _solver(),
        'rules': (*rules, ('.*', None)),
      }
    )
  still = {'.*/kernel': 0.0, '.*/bias': 2.0}.items()
  compat = arg == 'compat'
  config.share = ConfigDict(
    {
      'kind': 'share',
      'steps': 500,
      'optimizer': _solver(lr_mult=tuple(still)) if compat else _solver(),
      'rules': _LEVELS,
      'method': 'linear' if compat else 'exact',
      'average': compat,
    }
  )
  return config
