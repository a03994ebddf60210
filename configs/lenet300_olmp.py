"""LeNet-300-100 on MNIST by OLMP (Li, Qian, Jiang, Lu and Tang 2018)."""

from ml_collections import ConfigDict

from configs import common, common_olmp

_STEPS = 30_000
_SEARCHED = 15_000


def get_config(arg: str | None = None) -> ConfigDict:
  """The experiment, as released, or from a start of our own."""
  config = common_olmp.config(
    arg, 'lenet300_olmp', 'lenet300100', 'lenet300100_reference'
  )
  if arg != 'compat':
    gammas = common_olmp.RELEASED['lenet300100']['gammas']
    config.olmp = ConfigDict(
      {
        'kind': 'olmp',
        'steps': _STEPS,
        'optimizer': common.caffe_solver(),
        'rules': common_olmp.rules(gammas, 0.001, _SEARCHED),
        'every': 1_000,
        'until': _SEARCHED,
        'delta': 0.02,
        'search': 'cma_es',
        'popsize': 10,
        'generations': 20,
      }
    )
  return config
