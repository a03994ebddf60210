"""What the experiments on CIFAR-10's networks share."""

import math
from typing import Any, NamedTuple

from ml_collections import ConfigDict


class Training(NamedTuple):
  """How a network is trained, and fine-tuned after a cut.

  Attributes:
    examples: training images.
    batch: of them.
    epochs: of the dense network.
    tuned: of a cut one.
    decay: weight decay.
    nesterov: whether the momentum looks ahead.
    schedule: of the rate, in epochs: 'halving' every 20, continuously, 'steps'
      of ten at 100, 150 and 200, or 'cosine'.
    rate: the first one.
    augment: of the images.
  """

  examples: int
  batch: int
  epochs: int
  tuned: int
  decay: float
  nesterov: bool
  schedule: str
  rate: float
  augment: str

  def steps(self, epochs: float) -> int:
    """Updates in so many epochs."""
    return round(epochs * self.examples / self.batch)

  def stage(self, kind: str, epochs: float, **settings: Any) -> ConfigDict:
    """A stage that trains so many epochs."""
    steps = self.steps(epochs)
    optimizer = {
      'name': 'sgd',
      'momentum': 0.9,
      'nesterov': self.nesterov,
      'weight_decay': self.decay,
      'schedule': self._policy(steps),
    }
    return ConfigDict(
      {'kind': kind, 'steps': steps, 'optimizer': optimizer, **settings}
    )

  def _policy(self, steps: int) -> dict[str, Any]:
    if self.schedule == 'halving':
      gamma = math.exp(math.log(0.5) / self.steps(20))
      return {'policy': 'exp', 'base': self.rate, 'gamma': gamma}
    if self.schedule == 'steps':
      return {
        'policy': 'multistep',
        'base': self.rate,
        'gamma': 0.1,
        'stepvalues': tuple(self.steps(e) for e in (100, 150, 200)),
      }
    return {'policy': 'cosine', 'base': self.rate, 'begin': 0, 'end': steps}


# Wang et al. (2019), as their published code trains.
TRAINING = {
  'vgg16': Training(50_000, 128, 250, 250, 1.5e-3, True, 'halving', 0.1, 'cop'),
  'resnet32': Training(
    50_000, 128, 250, 250, 2e-4, False, 'steps', 0.1, 'crop_flip'
  ),
  'mobilenet': Training(
    50_000, 64, 125, 125, 6e-4, True, 'halving', 0.1, 'cop'
  ),
}

# Slim networks, a fifth of the images, minutes on a core.
_SHORT = Training(10_000, 64, 40, 6, 5e-4, True, 'cosine', 0.05, 'crop_flip')
SHORT = {
  'vgg16': _SHORT,
  'resnet32': _SHORT._replace(epochs=16, tuned=4),
  'mobilenet': _SHORT._replace(epochs=32, tuned=5),
}


def is_short(arg: str | None) -> bool:
  """Whether an argument asks for the experiment of minutes."""
  return arg is not None and arg.split('_')[0] == 'cpu'


def cifar_config(
  network: str, method: str, arg: str | None
) -> tuple[ConfigDict, Training]:
  """CIFAR-10 with a dense training and no stages yet.

  Args:
    network: 'vgg16', 'resnet32' or 'mobilenet'.
    method: what comes after, in the experiment's name.
    arg: of the config; what begins with 'cpu' makes it an experiment of
      minutes.
  """
  short = is_short(arg)
  training = (SHORT if short else TRAINING)[network]
  model = f'{network}_cifar10' + ('_slim' if short else '')
  name = f'{network}_cifar10_{method}' + (f'_{arg}' if arg else '')
  config = ConfigDict(
    {
      'name': name,
      'seed': 0,
      'model': model,
      'data': {
        'name': 'cifar10',
        'dir': '',
        'batch': training.batch,
        'order': 'shuffle',
        # What settings are chosen on; nothing is chosen for the long runs.
        'validation': 5_000 if short else 0,
        'constraint': 0,
        'limit': 10_000 if short else 0,
        'augment': training.augment,
      },
      'start': '',
      'models_dir': '',
      'stages': (),
      'dense': training.stage('dense', training.epochs),
      'block': training.steps(1),
      'checkpoint_every': training.steps(5),
    }
  )
  return config, training


def cut(**settings: Any) -> ConfigDict:
  """The stage that cuts channels."""
  return ConfigDict({'kind': 'filters', **settings})


def soft_stages(
  config: ConfigDict, training: Training, part: float, **settings: Any
) -> None:
  """Zeroes filters for half of the epochs, cuts them, trains the rest on."""
  config.stages = ('soft', 'filters', 'finetune')
  # Of a trained network, as the papers have it.
  slower = training._replace(rate=training.rate / 10)
  config.soft = slower.stage(
    'soft',
    training.tuned / 2,
    every=training.steps(1),
    density=part,
    **settings,
  )
  # Whole epochs, so that the last update zeroes.
  config.soft.steps -= config.soft.steps % config.soft.every
  config.filters = cut(density=part, scope='layer')
  config.finetune = training.stage('finetune', training.tuned / 2)


def known(arg: str | None, name: str, *arguments: str) -> None:
  """Refuses an argument that the config does not have."""
  if arg and arg not in arguments:
    raise ValueError(
      f'the argument of {name} must be {" or ".join(arguments)} or none, got'
      f' {arg!r}'
    )
