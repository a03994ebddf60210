"""`prunax shrink`: files of cut models, which the other commands read."""

import numpy as np
import pytest

from prunax import convert, models, weights


@pytest.fixture
def sparse(tmp_path):
  """LeNet-300-100 of which few hidden units have weights."""
  rng = np.random.default_rng(0)
  leaves = {
    name: rng.normal(size=shape).astype(np.float32) / 10
    for name, shape in models.shapes(models.get('lenet300100')).items()
  }
  leaves['ip1/kernel'][:, 40:] = 0
  leaves['ip1/bias'][40:] = 0
  leaves['ip3/kernel'][10:] = 0
  path = tmp_path / 'sparse.npz'
  nested = {}
  for name, x in leaves.items():
    layer, leaf = name.split('/')
    nested.setdefault(layer, {})[leaf] = x
  convert.npz.save(path, nested, {'model': 'lenet300100'})
  return path


@pytest.mark.parametrize('suffix', ['npz', 'prx', 'safetensors'])
def test_what_is_dead_goes_and_no_answer_changes(
  answer, sparse, images, tmp_path, suffix
):
  small = tmp_path / f'small.{suffix}'
  said = answer('shrink', sparse, small)
  kept = {g['name']: g['kept'] for g in said['groups']}
  assert kept == {'ip1/kernel': 40, 'ip2/kernel': 10, 'ip3/kernel': 10}
  assert weights.load(small).tree['ip2']['kernel'].shape == (40, 10)
  found = answer('evaluate', small, '--data', images)
  assert found == answer('evaluate', sparse, '--data', images)
  # A ratio is over what there was before the cut.
  told = answer('inspect', small)
  assert told['total']['size'] == 266_610
  leaf = next(x for x in told['leaves'] if x['name'] == 'ip2/kernel')
  assert (leaf['size'], leaf['uncut']) == (400, 30_000)


def test_a_budget(answer, sparse, tmp_path):
  small = tmp_path / 'small.npz'
  options = ('--budget', 'flops=0.5', '--score', 'l1', '--round-to', '4')
  said = answer('shrink', sparse, small, *options)
  left = said['after']['flops'] / said['before']['flops']
  assert 0.48 < left <= 0.5
  assert all(g['kept'] % 4 == 0 for g in said['groups'] if g['prunable'])


def test_what_it_costs(run, answer, sparse, tmp_path):
  options = ('--budget', 'cop_params=0.25')
  said = answer('shrink', sparse, tmp_path / 'small.npz', *options)
  assert 'latency' not in said
  assert 0.75 <= said['prr'] < 0.76 and 0 < said['frr'] < 1
  for when in ('before', 'after'):
    for what in ('params', 'flops', 'activations', 'cop_params', 'cop_flops'):
      total = sum(leaf[when][what] for leaf in said['leaves'])
      assert total == said[when][what]
  first = next(x for x in said['leaves'] if x['name'] == 'ip1/kernel')
  assert first['before']['flops'] == 2 * first['before']['params'] == 470_400
  # An image of 784 numbers, and the same once more in a row.
  assert said['before']['peak'] == 2 * 4 * 784
  out = run('shrink', sparse, tmp_path / 'again.npz', *options)[1]
  assert max(map(len, out.splitlines())) <= 80
  cells = [line.replace('│', ' ').split() for line in out.splitlines()]
  assert cells[-2][:5] == ['as', 'COP', 'counts:', 'Prr', f'{said["prr"]:.1%},']
  assert ['ip1', '235.5k'] in [words[:2] for words in cells]


def test_it_is_timed_on_request(run, answer, sparse, tmp_path):
  options = (sparse, tmp_path / 'small.npz', '--latency')
  took = answer('shrink', *options)['latency']
  assert list(took) == ['before', 'after']
  assert all(0 < x['low'] <= x['median'] <= x['high'] for x in took.values())
  assert 'measured: ' in run('shrink', *options)[1]


def test_a_cut_model_is_cut_again(answer, sparse, images, tmp_path):
  once, twice = tmp_path / 'once.npz', tmp_path / 'twice.prx'
  first = answer('shrink', sparse, once, '--budget', 'flops=0.5')
  second = answer('shrink', once, twice, '--budget', 'params=0.5')
  assert second['before'] == first['after']
  widths = {g['name']: g['kept'] for g in second['groups']}
  assert weights.load(twice).tree['ip2']['kernel'].shape == (
    widths['ip1/kernel'],
    widths['ip2/kernel'],
  )
  # A ratio is over what there was before both.
  assert answer('inspect', twice)['total']['size'] == 266_610
  assert answer('evaluate', twice, '--data', images)['count'] > 0


def test_a_packed_cut_model_is_still_one(answer, sparse, images, tmp_path):
  small, packed = tmp_path / 'small.npz', tmp_path / 'packed.prx'
  answer('shrink', sparse, small)
  answer('pack', small, packed)
  found = answer('evaluate', packed, '--data', images)
  assert found == answer('evaluate', sparse, '--data', images)


def test_refusals(answer, complaint, sparse, tmp_path):
  out = tmp_path / 'out.npz'
  assert 'flops=0.5' in complaint('shrink', sparse, out, '--budget', 'flops')
  assert 'mend it' in complaint('shrink', sparse, out, '--budget', 'flops=2')
  assert 'l1, l2' in complaint(
    'shrink', sparse, out, '--budget', 'flops=0.5', '--score', 'best'
  )
  assert not out.exists()
  answer('shrink', sparse, out)
  other = complaint('evaluate', out, '--model', 'lenet5', '--data', 'digits')
  assert 'its plan is for other shapes' in other


def test_a_caffemodel_cannot_tell_what_was_cut(
  answer, complaint, sparse, tmp_path
):
  small = tmp_path / 'small.npz'
  answer('shrink', sparse, small)
  error = complaint('unpack', small, tmp_path / 'small.caffemodel')
  assert 'cannot tell what was cut' in error


@pytest.mark.parametrize(
  'command', ['evaluate', 'inspect', 'pack', 'unpack', 'shrink']
)
def test_a_file_with_other_leaves_than_its_plan(
  answer, complaint, sparse, images, tmp_path, command
):
  small = tmp_path / 'small.npz'
  answer('shrink', sparse, small)
  tree, meta, _ = weights.load(small)
  given = {
    'evaluate': ('--data', images),
    'inspect': (),
    'pack': (tmp_path / 'out.prx',),
    'unpack': (tmp_path / 'out.npz',),
    'shrink': (tmp_path / 'out.npz',),
  }[command]
  tree['ip2']['kernel'] = tree['ip2']['kernel'][:-1]
  convert.npz.save(small, tree, meta)
  error = complaint(command, small, *given)
  assert f'the leaves of {small} must be cut as the plan says' in error
  assert "'ip2/kernel' has the shape (39, 10) in place of (40, 10)" in error
  del tree['ip2']['bias']
  convert.npz.save(small, tree, meta)
  error = complaint(command, small, *given)
  assert f'{small} must hold the leaves of its plan' in error
  assert 'differs in ip2/bias' in error
  assert not list(tmp_path.glob('out.*'))
