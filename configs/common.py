"""What the experiments on the LeNets share."""

from typing import Any

from ml_collections import ConfigDict


def caffe_solver(base: float = 0.01) -> dict[str, Any]:
  """Caffe's LeNet solver: inv policy, momentum, decay of biases too."""
  return {
    'name': 'caffe_sgd',
    'momentum': 0.9,
    'weight_decay': 5e-4,
    'lr_mult': (('.*/bias', 2.0), ('.*', 1.0)),
    'schedule': {'policy': 'inv', 'base': base, 'gamma': 1e-4, 'power': 0.75},
  }


def falling_solver(rate: float, decay: float, steps: int) -> dict[str, Any]:
  """Caffe's solver at a rate that falls to 0 along half a cosine."""
  schedule = {'policy': 'cosine', 'base': rate, 'begin': 0, 'end': steps}
  return caffe_solver() | {'weight_decay': decay, 'schedule': schedule}


def quantizing(rate: float, every: int) -> ConfigDict:
  """INQ to 4 bits in four portions; at each the rate falls to 0 anew."""
  solver = falling_solver(rate, 5e-4, every)
  return ConfigDict(
    {
      'kind': 'inq',
      'steps': 4 * every,
      'optimizer': solver
      | {'schedule': solver['schedule'] | {'restart': every}},
      'every': every,
      'portions': (0.3, 0.6, 0.8, 1.0),
      'rules': (('.*', 7),),
    }
  )


def sparse_solver(rate: float, begin: int, end: int) -> dict[str, Any]:
  """What trains a net of few weights: a high rate that falls from `begin`."""
  return {
    'name': 'sgd',
    'momentum': 0.9,
    'weight_decay': 5e-4,
    'schedule': {
      'policy': 'cosine',
      'base': rate,
      'begin': begin,
      'end': end,
      'rampup_interval': 1_000,
    },
  }


def mnist_config(name: str, model: str, start: str) -> ConfigDict:
  """MNIST in Caffe's order, from a released dense model if it is at hand.

  Args:
    name: the experiment's name in results.
    model: 'lenet5' or 'lenet300100'.
    start: a file of PRUNAX_MODELS_DIR, or '' for an own dense start.
  """
  return ConfigDict(
    {
      'name': name,
      'seed': 0,
      'model': model,
      'data': {
        'name': 'mnist',
        'dir': '',
        'batch': 64,
        'order': 'sequential',
        'validation': 0,
        'constraint': 0,
        'limit': 0,
        'augment': '',
      },
      'start': start,
      'models_dir': '',
      'stages': (),
      'dense': {'kind': 'dense', 'steps': 10_000, 'optimizer': caffe_solver()},
      'block': 500,
      'checkpoint_every': 2_000,
    }
  )


def variant(
  arg: str | None, name: str, start: str, known: tuple[str, ...] = ('own',)
) -> tuple[str, str]:
  """The experiment's name and start for a config's argument.

  `:own` trains the dense start instead of taking the released one.
  """
  if not arg:
    return name, start
  if arg not in known:
    raise ValueError(
      f'the argument of {name} must be {" or ".join(known)} or none, got'
      f' {arg!r}'
    )
  return f'{name}_{arg}', '' if arg.endswith('own') else start
