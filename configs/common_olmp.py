"""OLMP as it was released, and what our runs of it share."""

from typing import Any, NamedTuple

from ml_collections import ConfigDict

from configs import common

# The three shipped experiments. The network of the third comes later.
RELEASED: dict[str, dict[str, Any]] = {
  'lenet300100': {
    'gammas': {'ip1': 2e-4, 'ip2': 2e-4, 'ip3': 2e-4},
    'c_rate': 0.001,
    'iterations': 30_001,
    'prune_stop': 15_000,
    'every': 1_000,
    'delta': 0.08,
    'upper': 10.0,
    'popsize': 10,
    'tmax': 1_600,
    'sigma': ((0, 5.0),),
    'batch': 64,
    'solver': common.caffe_solver(),
  },
  'lenet5': {
    'gammas': {'conv1': 2e-5, 'conv2': 2e-5, 'ip1': 2e-4, 'ip2': 2e-4},
    'c_rate': 0.001,
    'iterations': 30_001,
    'prune_stop': 15_000,
    'every': 1_000,
    'delta': 0.05,
    'upper': 20.0,
    'popsize': 10,
    'tmax': 1_600,
    'sigma': ((0, 5.0), (10_000, 0.5)),
    'batch': 64,
    'solver': common.caffe_solver(),
  },
  'alexnet_caltech': {
    'gammas': {
      **dict.fromkeys(('conv1', 'conv2', 'conv3', 'conv4', 'conv5'), 2e-5),
      **dict.fromkeys(('fc6', 'fc7', 'fc8'), 2e-4),
    },
    'c_rate': 0.001,
    'iterations': 15_001,
    'prune_stop': 10_000,
    'every': 250,
    'delta': 0.08,
    'upper': 10.0,
    'popsize': 8,
    'tmax': 1_600,
    'sigma': ((0, 5.0), (7_000, 0.5)),
    'batch': 256,
    'solver': {
      'name': 'caffe_sgd',
      'momentum': 0.9,
      'weight_decay': 5e-4,
      'lr_mult': (('.*/bias', 2.0), ('.*', 1.0)),
      'decay_mult': (('.*/bias', 0.0), ('.*', 1.0)),
      'schedule': {
        'policy': 'step',
        'base': 1e-3,
        'gamma': 0.1,
        'stepsize': 7_000,
      },
    },
  },
}


def compat_stage(model: str) -> dict[str, Any]:
  """The stage that follows the released code, quirks included.

  The release makes one ordinary step before its loop begins to count.
  """
  told = RELEASED[model]
  stop = told['prune_stop'] + 1
  return {
    'kind': 'olmp',
    'steps': told['iterations'] + 1,
    'optimizer': told['solver'],
    'rules': rules(told['gammas'], told['c_rate'], stop),
    'first': 1,
    'every': told['every'],
    'until': stop,
    'delta': told['delta'],
    'upper': told['upper'],
    'popsize': told['popsize'],
    'generations': told['tmax'] // told['popsize'],
    'sigma': told['sigma'],
    'search': 'random',
    'layers': 'drawn',
    'reference': 'current',
    'judged_on': 'batch',
    'allow_empty': True,
    'compat': True,
  }


def recovery(steps: int, rate: float) -> dict[str, Any]:
  """What is left is trained: a high rate, which falls to 0 along a cosine."""
  return {
    'kind': 'finetune',
    'steps': steps,
    'optimizer': common.sparse_solver(rate, 0, steps),
  }


def rules(
  gammas: dict[str, float], c_rate: float, stop: int
) -> tuple[tuple[str, dict[str, float]], ...]:
  """How often each layer's mask is drawn while thresholds are searched."""
  return tuple(
    (
      f'{layer}/.*',
      {'c_rate': c_rate, 'gamma': gamma, 'power': 1.0, 'iter_stop': stop},
    )
    for layer, gamma in gammas.items()
  )


class Settings(NamedTuple):
  """What differs between our runs of OLMP.

  Attributes:
    steps: of surgery with searches.
    first: the step before which the first search is.
    until: no search and no other mask from this step on.
    rate: the first rate, which falls to 0 along half a cosine.
    decay: of the weights.
    delta: what a search may cost of the starting accuracy.
    delta_own: the same for a dense start of our own, which is less right on
      what judges the search, since it has not seen it.
    recovery: steps of training what is left, if nothing else follows.
  """

  steps: int
  first: int
  until: int
  rate: float
  decay: float
  delta: float
  delta_own: float
  recovery: int = 0


def for_start(settings: Settings, arg: str | None) -> Settings:
  """The settings with the delta of the start that an argument names."""
  own = arg == 'own'
  return settings._replace(delta=settings.delta_own) if own else settings


def stage(model: str, settings: Settings) -> dict[str, Any]:
  """Surgery at a high rate, with searches once it has fallen a little."""
  told = RELEASED[model]
  return {
    'kind': 'olmp',
    'steps': settings.steps,
    'optimizer': common.falling_solver(
      settings.rate, settings.decay, settings.steps
    ),
    'rules': rules(told['gammas'], told['c_rate'], settings.until),
    'every': 500,
    'first': settings.first,
    'until': settings.until,
    'delta': settings.delta,
    'upper': told['upper'],
    'search': 'ncs',
    'popsize': 10,
    'generations': 6,
    'sigma': 0.3,
  }


def config(
  arg: str | None, name: str, model: str, settings: Settings
) -> ConfigDict:
  """54,000 images to train on, 3,000 to judge on, 3,000 to choose by.

  `:compat` trains on all 60,000, as the release does; `:own` has its own delta.
  """
  start = f'{model}_reference'
  name, start = common.variant(arg, name, start, ('compat', 'own'))
  made = common.mnist_config(name, model, start)
  made.checkpoint_every = 5_000
  if arg == 'compat':
    made.stages = ('olmp',)
    made.data.batch = RELEASED[model]['batch']
    made.olmp = ConfigDict(compat_stage(model))
  else:
    made.data.validation, made.data.constraint = 3_000, 3_000
    made.stages = ('olmp', 'recover')
    made.olmp = ConfigDict(stage(model, for_start(settings, arg)))
    made.recover = ConfigDict(recovery(settings.recovery, 0.05))
  return made
