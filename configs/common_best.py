"""What the experiments with the fewest weights share."""

from ml_collections import ConfigDict

from configs import common


def config(
  arg: str | None,
  name: str,
  model: str,
  c_rates: dict[str, float],
  kept: int,
  surgery_steps: int,
  steps: int,
  rate: float,
) -> ConfigDict:
  """Surgery at a high rate, then gradual pruning to a count by Fisher score.

  Surgery finds a net that can still be pruned: what it cut wrongly came back.

  Args:
    arg: of the config.
    name: the experiment's name in results.
    model: 'lenet5' or 'lenet300100'.
    c_rates: of the layers, from the first to the last.
    kept: how many weights of the kernels stay; of the biases, only those of
      the last layer that surgery kept.
    surgery_steps: of surgery, of which the first eight tenths draw masks.
    steps: of the pruning, of which the first six tenths prune.
    rate: the learning rate until the count is reached; then it falls to 0.
  """
  name, start = common.variant(arg, name, f'{model}_reference')
  made = common.mnist_config(name, model, start)
  made.data.order = 'shuffle'
  made.checkpoint_every = 10_000
  made.block = 1_000
  made.stages = ('surgery', 'prune')
  when = {'gamma': 1e-4, 'power': 1.0, 'iter_stop': 8 * surgery_steps // 10}
  made.surgery = ConfigDict(
    {
      'kind': 'surgery',
      'steps': surgery_steps,
      'optimizer': common.falling_solver(0.06, 8e-4, surgery_steps),
      'rules': tuple(
        (f'{layer}/.*', {'c_rate': c_rate, **when})
        for layer, c_rate in c_rates.items()
      ),
    }
  )
  *_, last = c_rates
  end = 6 * steps // 10
  made.prune = ConfigDict(
    {
      'kind': 'score',
      'steps': steps,
      'begin': 0,
      'end': end,
      'score': 'fisher',
      'rules': (('.*/kernel', kept), (f'{last}/bias', None), ('.*', 0.0)),
      'optimizer': common.sparse_solver(rate, end, steps),
    }
  )
  return made
