"""What the experiments with the fewest weights share."""

from typing import Any

from ml_collections import ConfigDict

from configs import common, common_olmp


def config(
  arg: str | None,
  name: str,
  model: str,
  olmp: common_olmp.Settings,
  kept: int,
  steps: int,
  kept_taught: int | None = None,
) -> ConfigDict:
  """OLMP, then gradual pruning to a count by |w| / rms of its layer.

  Surgery finds the net that can still be pruned: what it cut wrongly came
  back. OLMP leaves seeds of very different sizes; the count makes
  them alike.

  Args:
    arg: of the config; `:taught` learns from the released LeNet-5 too, `:own`
      has its own delta.
    name: the experiment's name in results.
    model: 'lenet5' or 'lenet300100'.
    olmp: how thresholds are searched.
    kept: how many weights of the kernels stay; the biases that are left stay.
    steps: of the last pruning, of which the first six tenths prune.
    kept_taught: what stays with a teacher; None where none would teach.
  """
  start = f'{model}_reference'
  known = ('own',) if kept_taught is None else ('taught', 'own')
  name, start = common.variant(arg, name, start, known)
  taught = arg == 'taught'
  made = common.mnist_config(name, model, start)
  made.data.order = 'shuffle'
  made.data.constraint = 3_000
  made.checkpoint_every = 10_000
  made.block = 1_000
  if taught:
    made.teacher = ConfigDict(
      {
        'model': 'lenet5',
        'weights': 'lenet5_reference',
        'weight': 0.9,
        'temperature': 2.0,
      }
    )
  made.stages = ('olmp', 'prune')
  made.olmp = ConfigDict(
    common_olmp.stage(model, common_olmp.for_start(olmp, arg))
  )
  end = 6 * steps // 10
  made.prune = ConfigDict(
    {
      'kind': 'score',
      'steps': steps,
      'begin': 0,
      'end': end,
      'score': 'layer',
      'rules': (
        ('.*/kernel', kept_taught if taught else kept),
        ('.*/bias', None),
      ),
      'optimizer': common.sparse_solver(0.05, end, steps),
    }
  )
  return made


def smallest(
  made: ConfigDict,
  chain: tuple[tuple[str, str], ...],
  kept: int,
  levels: tuple[tuple[str, int], ...],
  steps: int,
) -> ConfigDict:
  """An experiment with few weights, given few values and cheap places too.

  Weights that nothing depends on go, units are ordered, then each kernel has
  few values, which are trained, and all values fit half precision.

  Args:
    made: the experiment, by `config`.
    chain: pairs of layers, the first leading to the second.
    kept: how many weights of the kernels stay.
    levels: rules of how many distinct weights a kernel has, zero not counted.
    steps: of the training of the levels.
  """
  made.stages = (*made.stages, 'tidy', 'share', 'round')
  made.prune.rules = (('.*/kernel', kept), ('.*/bias', None))
  made.tidy = ConfigDict({'kind': 'tidy', 'chain': chain})
  made.share = ConfigDict(
    {
      'kind': 'share',
      'steps': steps,
      'rules': (*levels, ('.*/bias', None)),
      'optimizer': _levels_solver(steps),
    }
  )
  made.round = ConfigDict({'kind': 'round', 'to': 'float16'})
  return made


def shared_in_portions(
  made: ConfigDict, portions: tuple[float, ...], steps: int
) -> ConfigDict:
  """What `smallest` gives, but few weights get their level before the others.

  As with INQ, those that are still free make up for those that are not. They
  decay, or they would grow, and the levels with them.

  Args:
    made: the experiment.
    portions: the accumulated portions before the last, which is all.
    steps: of the training after each of them.
  """
  made.share.weight_decay = 5e-4
  names = [f'share_{i}' for i in range(1, len(portions) + 1)]
  for name, portion in zip(names, portions, strict=True):
    made[name] = ConfigDict(
      {
        **made.share.to_dict(),
        'steps': steps,
        'optimizer': _levels_solver(steps),
        'portion': portion,
      }
    )
  at = made.stages.index('share')
  made.stages = (*made.stages[:at], *names, *made.stages[at:])
  return made


def _levels_solver(steps: int) -> dict[str, Any]:
  return {
    'name': 'adam',
    'schedule': {'policy': 'cosine', 'base': 1e-3, 'begin': 0, 'end': steps},
  }
