"""What the experiments with the fewest weights share."""

from ml_collections import ConfigDict

from configs import common


def config(
  name: str, model: str, last: str, kept: int, steps: int, rate: float
) -> ConfigDict:
  """Gradual pruning to a count by the Fisher score, from an own dense start.

  Args:
    name: the experiment's name in results.
    model: 'lenet5' or 'lenet300100'.
    last: the last layer, whose biases alone are used.
    kept: how many weights stay, those biases included.
    steps: of the pruning, of which 10 to 60 % prune.
    rate: the learning rate until the count is reached; then it falls to 0.
  """
  made = common.mnist_config(name, model, '')
  made.data.order = 'shuffle'
  made.checkpoint_every = 10_000
  made.block = 1_000
  end = 6 * steps // 10
  made.stages = ('prune',)
  made.prune = ConfigDict(
    {
      'kind': 'score',
      'steps': steps,
      'begin': steps // 10,
      'end': end,
      'score': 'fisher',
      'rules': (('.*/kernel', kept - 10), (f'{last}/bias', None), ('.*', 0.0)),
      'optimizer': {
        'name': 'sgd',
        'momentum': 0.9,
        'weight_decay': 5e-4,
        'schedule': {
          'policy': 'cosine',
          'base': rate,
          'begin': end,
          'end': steps,
          'rampup_interval': 1_000,
        },
      },
    }
  )
  return made
