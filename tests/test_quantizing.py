"""The stages that quantize, on a small network."""

import numpy as np
import pytest

from prunax import convert, tree
from prunax.errors import InputError
from prunax.runs import Run


def kernels(run, stage):
  weights = convert.load(run.folder.artifacts()[stage]).tree
  found = tree.named_leaves(weights)
  return {k: x for k, x in found.items() if k.endswith('kernel')}


def test_pruned_weights_become_few_powers(small, tmp_path):
  config = small.make({'stages': ('surgery', 'inq')})
  config['inq'] = {
    'kind': 'inq',
    'steps': 31,
    'optimizer': config['surgery']['optimizer'],
    'every': 10,
  }
  run = Run(config, tmp_path)
  last = run.execute()['stages'][-1]
  before, after = kernels(run, 1), kernels(run, 2)
  for name, x in after.items():
    assert not x[before[name] == 0].any()
    n1 = last['highest_exponents'][name]
    powers = np.unique(np.abs(x[x != 0]))
    assert set(np.log2(powers)) <= {*range(n1 - 6, n1 + 1)}
    assert np.count_nonzero(x) > 0.8 * np.count_nonzero(before[name])


def test_micro_batches_count_as_one(small, tmp_path):
  config = small.make(small.SHORT, {'stages': ('inq',)})
  config['inq'] = {
    'kind': 'inq',
    'steps': 6,
    'optimizer': {**config['dense']['optimizer'], 'iter_size': 2},
    'every': 1,
    'portions': (0.3, 0.6, 1.0),
  }
  run = Run(config, tmp_path)
  run.execute()
  for x in kernels(run, 1).values():
    assert np.all(np.frexp(np.abs(x[x != 0]))[0] == 0.5)
  config['inq']['every'] = 2
  with pytest.raises(InputError, match='portions, after 5 updates, got 3'):
    Run(config, tmp_path / 'short')


def test_even_levels_of_pruned_weights(small, tmp_path):
  config = small.make({'stages': ('surgery', 'qat')})
  config['qat'] = {
    'kind': 'qat',
    'steps': 30,
    'optimizer': config['surgery']['optimizer'],
    'rules': (('ip3/.*', None), ('.*', 4)),
  }
  run = Run(config, tmp_path)
  run.execute()
  before, after = kernels(run, 1), kernels(run, 2)
  for name, x in after.items():
    assert not x[before[name] == 0].any()
    most = max(len(np.unique(channel)) for channel in x.T)
    assert most > 15 if name == 'ip3/kernel' else 3 < most <= 15
