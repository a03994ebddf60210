"""LeNet-5 on MNIST with weights of 4 bits on even levels, by straight-through.

Straight-through gradients (Bengio et al. 2013) train dense weights behind
those that count: every kernel is whole multiples, from -7 to 7, of a power of
two for each channel. Trained as long as configs/lenet5_inq.py.

  python -m experiments.seeds --config=configs/lenet5_qat.py \
    --seeds=0,1,2 --workdir=runs/lenet5_qat

takes some two minutes a seed on 2 cores; docs/results.md has the numbers to
expect. `:dns` quantizes what the surgery of configs/lenet5_dns.py leaves, some
four minutes a seed; `:own` after the file's name trains the dense start too,
10,000 steps.
"""

from ml_collections import ConfigDict

from configs import common, lenet5_dns

_STEPS = 16_000


def get_config(arg: str | None = None) -> ConfigDict:
  """The experiment, from the released dense model or an own one."""
  name, start = common.variant(
    arg, 'lenet5_qat', 'lenet5_reference', ('dns', 'own')
  )
  config = common.mnist_config(name, 'lenet5', start)
  config.stages = ('qat',)
  if arg == 'dns':
    config.stages = ('surgery', 'qat')
    config.surgery = lenet5_dns.get_config().surgery
  else:
    # Nothing else depends on the seed.
    config.data.order = 'shuffle'
  config.qat = ConfigDict(
    {
      'kind': 'qat',
      'steps': _STEPS,
      'optimizer': common.falling_solver(0.01, 5e-4, _STEPS),
      'rules': (('.*', 4),),
      'scale_digits': 1,
    }
  )
  return config
