"""Tables of filter pruning, from results made by hand."""

from experiments import filter_tables


def costs(flops, params):
  return {'cop_flops': flops, 'cop_params': params}


def result(config, seed, dense, after, cut=False):
  """A run; where it cuts it cuts twice, to a half and 60 % to 62 %."""
  whole, half = costs(1000.0, 100.0), costs(700.0, 80.0)
  left = costs(500.0, 40.0 - seed)
  first = {'channels': {}, 'before': whole, 'after': half}
  second = {'channels': {}, 'before': half, 'after': left}
  stages = [{'stage': 'dense', 'error_percent': 100 - dense, 'seconds': 300.0}]
  if cut:
    stages += [
      {'stage': 'filters', 'error_percent': 90.0, 'seconds': 5.0, **first},
      {'stage': 'more', 'error_percent': 90.0, 'seconds': 5.0, **second},
      {
        'stage': 'finetune',
        'error_percent': 100 - after,
        'seconds': 60.0 + seed,
      },
    ]
  return {
    'config': config,
    'seed': seed,
    'stages': stages,
    'wall_seconds': sum(stage['seconds'] for stage in stages),
  }


DENSE, COP = 'vgg16_cifar10_dense_cpu', 'vgg16_cifar10_cop_cpu'
RESULTS = {
  COP: [
    result(COP, seed, 70.0 + seed, after, cut=True)
    for seed, after in enumerate((69.0, 68.5, 71.25))
  ],
  DENSE: [result(DENSE, 0, 70.0, 0)],
  'lenet5_dns': [],
}


def cells(line):
  return [cell.strip() for cell in line.strip('|').split('|')]


def test_a_line_has_medians_and_spreads():
  _, _, dense, cop = filter_tables.table(RESULTS).splitlines()
  assert cells(cop) == [
    'VGG16',
    f'COP (`{COP}`)',
    'Wang et al. 2019',
    '69.00 (68.50 to 71.25)',
    # Seed by seed: -1, -2.5, -0.75.
    '-1.00 (-2.50 to -0.75)',
    '50.0',
    '61.0 (60.0 to 62.0)',
    '71 (70 to 72)',
    '3',
  ]
  assert cells(dense)[3:] == ['70.00', '', '', '', '300', '1']


def test_the_commands_take_the_dense_networks_from_where_they_are():
  lines = filter_tables.commands(RESULTS).splitlines()
  assert lines[1] == (
    'python -m experiments.seeds --config=configs/vgg16_cifar10_dense.py:cpu \\'
  )
  assert lines[2] == f'  --seeds=0 --workdir=runs/{DENSE}'
  assert lines[-3:-1] == [
    f'  --seeds=0,1,2 --workdir=runs/{COP} \\',
    f'  --dense_from=runs/{DENSE}',
  ]
