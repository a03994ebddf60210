"""A small experiment for the tests: every kind of stage, no files needed."""

from collections.abc import Mapping
from typing import Any

from ml_collections import ConfigDict

from configs import common


def get_config(arg: str | None = None) -> ConfigDict:
  """LeNet-300-100 on scikit-learn's digits, a second a stage."""
  config = common.mnist_config('small', 'lenet300100', '')
  config.data.name = 'digits'
  config.data.order = 'shuffle'
  config.data.batch = 32
  config.block = 10
  config.checkpoint_every = 20
  config.stages = ('surgery', 'gradual', 'finetune')
  optimizer = common.caffe_solver()
  config.dense.steps = 60
  config.surgery = ConfigDict(
    {
      'kind': 'surgery',
      'steps': 60,
      'optimizer': optimizer,
      'rules': (('.*', {'c_rate': 1.0, 'gamma': 1e-3, 'iter_stop': 50}),),
    }
  )
  config.gradual = ConfigDict(
    {
      'kind': 'gradual',
      'steps': 60,
      'optimizer': optimizer,
      'rules': (('.*/kernel', 0.1), ('.*', None)),
      'end': 40,
      'every': 5,
    }
  )
  # The last block is a short one.
  config.finetune = ConfigDict(
    {'kind': 'finetune', 'steps': 55, 'optimizer': optimizer}
  )
  return config


SHORT = {'stages': (), 'dense.steps': 6, 'block': 3}


def make(*changes: Mapping[str, Any]) -> dict[str, Any]:
  """The config with other values by dotted name; None removes an entry.

  With SHORT it is a dense training of six steps.
  """
  config = get_config().to_dict()
  for name, value in [item for change in changes for item in change.items()]:
    *parents, last = name.split('.')
    node = config
    for part in parents:
      node = node[part]
    node[last] = value
    if value is None:
      del node[last]
  return config
