"""Every config builds, fits its model, and takes two steps of each stage."""

import importlib.util
import json
import pathlib
import re

import jax
import numpy as np
import pytest
from ml_collections import ConfigDict

from prunax import convert, data, models, plan, stages, tree
from prunax.record import read_metrics
from prunax.runs import Run

FOLDER = pathlib.Path(__file__).parent.parent / 'configs'
NAMES = sorted(
  path.stem
  for path in FOLDER.glob('*.py')
  if path.stem != '__init__' and not path.stem.startswith('common')
)
every_config = pytest.mark.parametrize('name', NAMES)


def load(name):
  """The `get_config` of a config, read as a file like the flag does."""
  spec = importlib.util.spec_from_file_location(name, FOLDER / f'{name}.py')
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return module


def config_of(name, *arguments):
  config = load(name).get_config(*arguments)
  assert isinstance(config, ConfigDict)
  return config.to_dict()


def arguments(name):
  """What may stand behind the file's name, by the docstring."""
  return re.findall(r'`:(\w+)`', load(name).__doc__)


VARIANTS = [(n, *a) for n in NAMES for a in ((), *((x,) for x in arguments(n)))]


def test_there_are_configs():
  assert {'demo', 'lenet300_dns', 'lenet5_dns'} <= set(NAMES)


@pytest.mark.parametrize('variant', VARIANTS, ids=':'.join)
def test_a_config_fits_its_model(variant):
  config = config_of(*variant)
  plan.check(config)
  assert config['name'] == '_'.join(variant)
  assert json.loads(json.dumps(config))['stages'] == list(config['stages'])
  model = models.get(config['model'])
  for stage in ('dense', *config['stages']):
    stages.rehearse(stage, model, config[stage])
    rules = config[stage].get('rules')
    if rules:
      # Raises where a leaf has no rule or a rule no leaf.
      values = tree.rule_values(rules, list(models.shapes(model)))
      assert any(value is not None for value in values)


# How much less a search may cost where the start is ours, by the docstrings.
LESS = {
  'lenet300_best': 0.014,
  'lenet300_olmp': 0.014,
  'lenet300_smallest': 0.014,
  'lenet5_best': 0.013,
  'lenet5_olmp': 0.01,
  'lenet5_smallest': 0.013,
}


@every_config
def test_own_changes_the_name_the_start_and_the_delta_alone(name):
  released = config_of(name)
  if not released['start']:
    assert 'own' not in arguments(name)
    return
  own = config_of(name, 'own')
  assert own.pop('name') == f'{released.pop("name")}_own'
  assert own.pop('start') == ''
  assert released.pop('start') in ('lenet300100_reference', 'lenet5_reference')
  deltas = [x.get('olmp', {}).pop('delta', 0) for x in (released, own)]
  less = deltas[0] - deltas[1]
  assert less == pytest.approx(LESS.get(name, 0))
  assert own == released


def test_a_teacher_changes_no_delta():
  taught, plain = (config_of('lenet300_best', *a) for a in (('taught',), ()))
  assert taught['olmp'] == plain['olmp']


@every_config
def test_another_argument_is_refused(name):
  with pytest.raises(ValueError, match='nonsense'):
    config_of(name, 'nonsense')


@every_config
def test_the_docstring_tells_the_command(name):
  assert f'--config=configs/{name}.py' in load(name).__doc__
  assert f'/{name}' in load(name).__doc__.split('--workdir=runs')[1]


@pytest.fixture(scope='module')
def dense_starts():
  """What two dense steps gave, by model and settings: most configs share it."""
  return {}


# Of those on CIFAR-10 the ones whose stages differ.
ON_CIFAR = [n for n in NAMES if 'cifar10' in n]
LATER = [pytest.mark.long]
SOON = {f'vgg16_cifar10_{x}' for x in ('cop', 'ns', 'sfp', 'nre')}


def colours(data_dir):
  """Random images of CIFAR's size."""
  del data_dir
  rng = np.random.default_rng(0)
  x = rng.integers(0, 256, (120, 32, 32, 3), np.uint8)
  y = np.arange(120, dtype=np.int32) % 10
  return data.Dataset('colours', data.Split(x, y), data.Split(x, y), 10)


@pytest.mark.parametrize(
  'name',
  [
    pytest.param(
      n, marks=[pytest.mark.long] * (n in ON_CIFAR and n not in SOON)
    )
    for n in NAMES
  ],
)
def test_two_steps_of_each_stage(name, tmp_path_factory, dense_starts):
  on_cifar = name in ON_CIFAR
  config = config_of(name, *['cpu'] * on_cifar)
  # Stand-ins, so that no files are needed.
  data.register('colours', colours)
  config['data'] |= {
    'name': 'colours' if on_cifar else 'digits',
    'batch': 8,
    'limit': 0,
  }
  config['block'] = 2
  for part in ('validation', 'constraint'):
    config['data'][part] = min(config['data'][part], 50)
  for stage in ('dense', *config['stages']):
    if 'steps' in config[stage]:
      config[stage]['steps'] = 2
    if config[stage]['kind'] == 'olmp':
      # One search, before the first step.
      config[stage] |= {'first': 0, 'generations': 1}
    if config[stage]['kind'] == 'soft':
      config[stage]['every'] = 1
    if config[stage]['kind'] == 'filters':
      config[stage]['examples'] = 20
    if config[stage]['kind'] == 'inq':
      # Everything is quantized at the second step.
      config[stage] |= {'every': 1, 'portions': (0.5, 1.0)}
  same = json.dumps([config['model'], config['dense']])
  config['start'] = dense_starts.get(same, '')
  run = Run(config, tmp_path_factory.mktemp(name))
  summary = run.execute()
  trained = [*config['stages']] if config['start'] else run.names
  assert [row['stage'] for row in summary['stages']] == run.names
  assert run.names[1:] == list(config['stages'])
  lines = list(read_metrics(run.folder.metrics))
  assert [(line['stage'], line['step']) for line in lines] == [
    (stage, 2) for stage in trained if 'steps' in config[stage]
  ]
  for path in run.folder.artifacts():
    for leaf in jax.tree.leaves(convert.load(path).tree):
      assert np.isfinite(leaf).all()
  dense_starts.setdefault(same, str(run.folder.artifact(0, 'dense')))
