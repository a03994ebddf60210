"""LeNet-5 on MNIST by OLMP (Li, Qian, Jiang, Lu and Tang 2018)."""

from ml_collections import ConfigDict

from configs import common, common_olmp

_SEARCHED = 15_000
_RECOVERED = 30_000


def get_config(arg: str | None = None) -> ConfigDict:
  """The experiment, as released, or from a start of our own."""
  config = common_olmp.config(arg, 'lenet5_olmp', 'lenet5', 'lenet5_reference')
  if arg == 'compat':
    return config
  gammas = common_olmp.RELEASED['lenet5']['gammas']
  config.olmp = ConfigDict(
    {
      'kind': 'olmp',
      'steps': _SEARCHED,
      'optimizer': common.caffe_solver(),
      'rules': common_olmp.rules(gammas, 0.001, _SEARCHED),
      'every': 500,
      'delta': 0.005,
      'search': 'cma_es',
      'popsize': 10,
      'generations': 6,
      'sigma': 0.3,
    }
  )
  config.recover = ConfigDict(common_olmp.recovery(_RECOVERED, 0.05))
  return config
