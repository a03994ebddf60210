"""Deep Compression's stages: exact ratios, few levels, zeros that stay."""

import jax
import numpy as np
import pytest

from prunax import convert, stages, tree
from prunax.errors import InputError
from prunax.models import get
from prunax.ops import codebook
from prunax.runs import Run

RULES = (('.*/kernel', 8), ('.*', None))


def chain(small, *names, **changes):
  """The small experiment with a `prune` and a `share` stage, some of them."""
  made = small.make({'stages': names, 'gradual.rules': (('.*', 0.1),)})
  optimizer = made['finetune']['optimizer']
  made['prune'] = {
    'kind': 'prune_once',
    'steps': 20,
    'optimizer': optimizer,
    'rules': (('ip1/kernel', 0.9), ('ip2/kernel', 0.5), ('.*', None)),
  }
  made['share'] = {
    'kind': 'share',
    'steps': 40,
    'optimizer': optimizer | {'schedule': {'policy': 'fixed', 'base': 1e-4}},
    'rules': RULES,
  } | changes
  return made


def leaves(run, stage):
  path = run.folder.artifact(run.names.index(stage), stage)
  return tree.named_leaves(convert.load(path).tree)


@pytest.fixture(scope='module')
def finished(small, tmp_path_factory):
  run = Run(
    chain(small, 'prune', 'share'), tmp_path_factory.mktemp('share') / 'run'
  )
  return run, run.execute()


def test_pruning_once_meets_the_ratios_and_spares_the_rest(finished):
  run, _ = finished
  dense, pruned = leaves(run, 'dense'), leaves(run, 'prune')
  zeros = {name: int((w == 0).sum()) for name, w in pruned.items()}
  assert zeros['ip1/kernel'] == int(0.9 * dense['ip1/kernel'].size)
  assert zeros['ip2/kernel'] == int(0.5 * dense['ip2/kernel'].size)
  assert zeros['ip3/kernel'] == 0
  for name in ('ip1/bias', 'ip2/bias', 'ip3/bias'):
    assert zeros[name] == (dense[name] == 0).sum()
  alive = pruned['ip1/kernel'] != 0
  size = np.abs(dense['ip1/kernel'])
  assert size[alive].min() > size[~alive].max()


def test_a_shared_net_has_few_levels_and_the_zeros_it_had(finished):
  run, summary = finished
  pruned, shared = leaves(run, 'prune'), leaves(run, 'share')
  for name, w in shared.items():
    if name.endswith('kernel'):
      assert np.array_equal(w == 0, pruned[name] == 0)
      assert len(np.unique(w[w != 0])) == 8
    else:
      assert len(np.unique(w)) > 8
  row = summary['stages'][-1]
  assert row['levels'] == {f'ip{i}/kernel': 8 for i in (1, 2, 3)}
  assert row['error_percent'] < 25


def test_the_levels_are_trained(finished):
  run, _ = finished
  pruned, shared = leaves(run, 'prune'), leaves(run, 'share')
  for i in (1, 2, 3):
    w = pruned[f'ip{i}/kernel']
    first = codebook.exact(w[w != 0], 8)
    after = shared[f'ip{i}/kernel'][w != 0]
    # The members of each level are those that k-means gave it.
    for level in range(8):
      assert len(np.unique(after[first.labels == level])) == 1
    assert not np.isin(first.codebook, after).any()


def test_a_portion_shares_what_is_nearest_and_a_later_stage_the_rest(
  small, tmp_path
):
  config = chain(small, 'prune', 'half', 'share')
  config['half'] = config['share'] | {'portion': 0.5}
  run = Run(config, tmp_path / 'run')
  run.execute()
  pruned, half, shared = (leaves(run, x) for x in ('prune', 'half', 'share'))
  for i in (1, 2, 3):
    w, now = pruned[f'ip{i}/kernel'], half[f'ip{i}/kernel']
    alive = w != 0
    assert np.array_equal(now != 0, alive)
    _, which, members = np.unique(
      now[alive], return_inverse=True, return_counts=True
    )
    # A few weights are equal by chance, from the start or to the end.
    tied = members[which] > 8
    assert tied.sum() == pytest.approx(alive.sum() / 2, abs=1)
    off = np.abs(w[alive] - codebook.exact(w[alive], 8).snapped)
    assert np.mean(off[tied] <= off[~tied].min()) > 0.95
    last = shared[f'ip{i}/kernel']
    assert np.array_equal(last != 0, alive)
    assert len(np.unique(last[alive])) == 8


def test_decay_is_that_of_each_weight_before_its_level_moves(small, tmp_path):
  sizes = []
  for decay in (0.0, 0.5):
    config = chain(small, 'share', weight_decay=decay)
    run = Run(config, tmp_path / f'{decay}')
    run.execute()
    kernel = leaves(run, 'share')['ip1/kernel']
    assert len(np.unique(kernel[kernel != 0])) == 8
    sizes.append(np.abs(kernel).sum())
  assert sizes[1] < 0.9 * sizes[0]


@pytest.mark.parametrize('before', ['surgery', 'gradual'])
def test_zeros_of_any_pruning_stay(small, tmp_path, before):
  run = Run(chain(small, before, 'share', fisher_examples=50), tmp_path / 'run')
  run.execute()
  pruned, shared = leaves(run, before), leaves(run, 'share')
  for name, w in shared.items():
    # Biases that were pruned, too.
    assert not w[pruned[name] == 0].any()
    assert (pruned[name] == 0).any() or name.endswith('bias')


def test_weights_without_levels_name_their_leaf(small):
  settings = dict(chain(small)['share'])
  del settings['kind']
  broken = {'ip1': {'kernel': np.array([[1.0, np.nan]])}, 'b': np.ones(2)}
  # Nothing is trained before.
  task = stages.Task(None, None, None, None)
  with pytest.raises(
    InputError, match=r"^the leaf 'ip1/kernel' must be finite"
  ):
    stages.perform('share', task, broken, jax.random.key(0), settings)


@pytest.mark.parametrize(
  ('stage', 'changes', 'said'),
  [
    ('share', {'method': 'best'}, 'exact, linear, density, random'),
    ('share', {'rules': (('.*', 0),)}, 'levels of the rule'),
    ('share', {'rules': (('.*/kernel', 2.5), ('.*', None))}, 'whole number'),
    ('share', {'method': 'linear', 'fisher_examples': 9}, 'fisher_examples'),
    ('share', {'portion': 0}, 'above 0 and at most 1'),
    ('share', {'portion': 1.5}, 'above 0 and at most 1'),
    ('share', {'weight_decay': -1}, 'weight_decay'),
    ('share', {'rules': (('.*', 4, 1),)}, 'every rule must be a pair'),
    ('share', {'rules': 4}, 'rules must be pairs'),
    ('prune', {'rules': ('.*',)}, 'every rule must be a pair'),
    ('prune', {'rules': None}, 'rules must be pairs'),
    ('prune', {'rules': (('.*/kernel', 1.0), ('.*', None))}, 'below 1'),
    ('prune', {'rules': (('.*/kernel', -0.1), ('.*', None))}, 'at least 0'),
  ],
)
def test_bad_settings_are_refused(small, stage, changes, said):
  settings = chain(small)[stage] | changes
  with pytest.raises(InputError, match=said):
    stages.rehearse(stage, get('lenet300100'), settings)
