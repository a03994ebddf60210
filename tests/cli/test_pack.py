"""`prunax pack` and `unpack`: small files, and back to ordinary ones."""

import os
import re

import ml_dtypes
import numpy as np
import pytest

from prunax import codec, convert, lossy, tree, weights


@pytest.fixture
def packed(answer, run_folder, tmp_path):
  """A run folder's last artifact in a `.prx`, and what the command said."""
  path = tmp_path / 'small.prx'
  return path, answer('pack', run_folder, path)


def test_nothing_is_lost(packed, weights):
  path, _ = packed
  leaves = tree.named_leaves(codec.load(path)[0])
  assert leaves.keys() == weights.keys()
  for name, x in weights.items():
    np.testing.assert_array_equal(leaves[name], x)


def test_the_budget_is_the_files_size(packed):
  path, said = packed
  inside = sum(sum(leaf['budget'].values()) for leaf in said['leaves'])
  total = said['total']
  assert inside + said['header'] == total['bytes'] == os.stat(path).st_size
  assert total['ratio_bytes'] == 4 * total['size'] / total['bytes']
  assert said['lossy'] == {}


def test_a_leafs_bytes_have_its_check_in_inspect_alone(packed, answer):
  path, said = packed
  found = {leaf['name']: leaf for leaf in answer('inspect', path)['leaves']}
  checks = 0
  for leaf in said['leaves']:
    payload, name = sum(leaf['budget'].values()), leaf['name']
    check = found[name]['bytes'] - payload
    assert check == (0 if not payload else 2 if payload <= 4096 else 4)
    assert leaf['values'] == found[name]['values']
    checks += check
  # The rest of the header's bytes are a version, a length, names and a check.
  assert 4 + 1 + 4 < said['header'] - checks < 200


def test_it_is_read_as_any_other_file(packed, answer, run_folder):
  path, _ = packed
  wanted, found = answer('inspect', run_folder), answer('inspect', path)
  assert found['total']['bytes'] == os.stat(path).st_size
  taken = [leaf['bytes'] for leaf in found['leaves']]
  assert 0 < sum(taken) < found['total']['bytes']
  for leaf, other in zip(found['leaves'], wanted['leaves'], strict=True):
    assert {**leaf, 'bytes': None} == other
  # Model and data are recorded.
  assert answer('evaluate', path) == answer('evaluate', run_folder)


@pytest.mark.parametrize(
  ('levels', 'most'),
  [
    ('3', {'ip1/kernel': 3, 'ip1/bias': 1, 'ip3/kernel': 3}),
    ('ip1/.*=2,.*=none', {'ip1/kernel': 2, 'ip3/kernel': 1000}),
  ],
)
def test_levels(answer, run_folder, tmp_path, levels, most):
  path = tmp_path / 'few.prx'
  said = answer('pack', run_folder, path, '--levels', levels)
  found = {leaf['name']: leaf['values'] for leaf in said['leaves']}
  assert {name: found[name] for name in most} == most
  assert said['lossy'] == {'levels': levels}
  inspected = answer('inspect', path)['leaves']
  assert {leaf['name']: leaf['values'] for leaf in inspected} == found


def test_rounding(answer, run_folder, tmp_path, weights):
  path = tmp_path / 'half.prx'
  said = answer('pack', run_folder, path, '--round', 'float16')
  assert said['lossy'] == {'rounded': 'float16'}
  leaves = tree.named_leaves(codec.load(path)[0])
  for name, x in weights.items():
    wanted = x.astype(np.float16).astype(np.float32)
    np.testing.assert_array_equal(leaves[name], wanted)
    assert leaves[name].dtype == np.float32


def test_the_table_says_where_the_bytes_go(run, run_folder, tmp_path):
  code, out, err = run('pack', run_folder, tmp_path / 'a.prx', '--levels', 4)
  assert (code, err) == (0, '')
  for word in ('positions', 'codebook', 'header', 'ip2/kernel', 'levels 4'):
    assert word in out
  assert out.count('x,') == 2 and 'bytes: ' in out


@pytest.mark.parametrize('suffix', ['.npz', '.safetensors', '.caffemodel'])
def test_unpack(packed, answer, weights, tmp_path, suffix):
  path, _ = packed
  out = tmp_path / f'out{suffix}'
  said = answer('unpack', path, out)
  assert said == {'bytes': os.stat(out).st_size, 'widened': []}
  loaded = convert.load(out)
  for name, x in tree.named_leaves(loaded.tree).items():
    np.testing.assert_array_equal(x, weights[name])
  if suffix != '.caffemodel':
    assert loaded.meta == {'model': 'lenet300100', 'data': 'digits'}


NOT_OF_NUMPY = [
  *('bfloat16', 'float8_e4m3fn', 'float8_e5m2', 'float8_e8m0fnu'),
  *('float6_e3m2fn', 'float4_e2m1fn', 'int4', 'uint2'),
]


@pytest.mark.parametrize('kind', NOT_OF_NUMPY)
def test_npz_has_types_that_other_programs_know(answer, tmp_path, kind):
  source, path = tmp_path / 'b.prx', tmp_path / 'b.npz'
  x = np.array([0.5, 1, 2, -1, 3], getattr(ml_dtypes, kind))
  weights.save(source, {'a': {'b': x, 'c': x[:2]}, 'd': np.arange(3)}, {})
  (said,) = answer('unpack', source, path)['widened']
  with np.load(path) as stored:
    found = stored['a/b']
    assert stored['d'].dtype == np.arange(3).dtype
  wide = {'int4': 'int8', 'uint2': 'uint8'}.get(kind, 'float32')
  assert found.dtype == wide
  assert said == (
    f'{kind} became {wide} in a/b, a/c, without loss, since other programs'
    f' cannot read {kind} from an .npz'
  )
  np.testing.assert_array_equal(found, x.astype(np.float64))
  assert weights.load(path).tree['a']['b'].dtype == wide


def test_bfloat16_becomes_float32_in_npz(answer, run, tmp_path):
  source, path = tmp_path / 'b.prx', tmp_path / 'b.npz'
  x = np.array([1.5, 0.0, -3.0], ml_dtypes.bfloat16)
  weights.save(source, {'a': x, 'b': np.arange(3)}, {})
  said = answer('unpack', source, path)['widened']
  assert len(said) == 1 and 'became float32 in a,' in said[0]
  with np.load(path) as stored:
    assert stored['a'].dtype == np.float32
    assert stored['a'].tolist() == [1.5, 0.0, -3.0]
  _, out, _ = run('unpack', source, path)
  assert 'bfloat16 became float32' in out
  kept = tmp_path / 'b.safetensors'
  assert answer('unpack', source, kept)['widened'] == []
  assert convert.load(kept).tree['a'].dtype == ml_dtypes.bfloat16


@pytest.mark.parametrize(
  ('options', 'says'),
  [
    (['--levels', '0'], "at least 1, or none, got '0'"),
    (['--levels', 'ip1=x'], "got 'x' in 'ip1=x'"),
    (['--levels', 'twelve'], "rules such as conv.*=8,.*=none, got 'twelve'"),
    (['--levels', '.*/kernel=3'], "end the rules with ('.*', value)"),
    (['--levels', 'fc=3,.*=none'], "'fc' matches none"),
  ],
)
def test_bad_levels(complaint, file, tmp_path, options, says):
  out = tmp_path / 'a.prx'
  assert says in complaint('pack', file, out, *options)
  assert not out.exists()


def test_bad_files(complaint, file, packed, tmp_path):
  path, _ = packed
  assert 'must end in .prx' in complaint('pack', file, tmp_path / 'a.npz')
  assert 'use pack for a .prx' in complaint('unpack', path, tmp_path / 'b.prx')
  assert 'neither' in complaint(
    'pack', tmp_path / 'none.npz', tmp_path / 'a.prx'
  )
  broken = tmp_path / 'broken.prx'
  broken.write_bytes(path.read_bytes()[:-1])
  for words in (('inspect', broken), ('evaluate', broken)):
    said = complaint(*words)
    assert 'broken.prx' in said and 'damaged' in said
  nan = tmp_path / 'nan.npz'
  np.savez(nan, kernel=np.array([[np.nan, 1.0]]))
  said = complaint('pack', nan, tmp_path / 'a.prx', '--levels', 2)
  assert "the leaf 'kernel' must be finite" in said


def test_a_loss_does_not_overwrite_its_source(complaint, packed, run, tmp_path):
  path, _ = packed
  before, link = path.read_bytes(), tmp_path / 'link.prx'
  link.symlink_to(path)
  for out in (path, link):
    for options in (['--levels', 2], ['--round', 'float16']):
      said = complaint('pack', path, out, *options)
      assert 'must not overwrite its source' in said
  assert path.read_bytes() == before
  assert run('pack', path, path)[0] == 0
  assert path.read_bytes() == before


def test_a_number_of_levels_without_leaves_for_it(complaint, run, tmp_path):
  path, out = tmp_path / 'theirs.safetensors', tmp_path / 'a.prx'
  names = ('fc.weight', 'fc.bias')
  convert.save(path, {name: np.arange(9.0) for name in names}, {})
  said = complaint('pack', path, out, '--levels', 12)
  assert 'named kernel or bias, got fc.bias, fc.weight' in said
  assert 'such as .*=12' in said and '(kernel' not in said
  assert not out.exists()
  assert run('pack', path, out, '--levels', '.*=12')[0] == 0


def test_the_rules_of_the_help_are_of_use(run):
  said = ' '.join(run('pack', '--help')[1].split())
  text = re.search(r'leaves: (\S+)', said)[1]
  names = ['bn1/bias', 'conv1/kernel', 'ip1/kernel']
  rules = lossy.level_rules(text, names)
  assert tree.rule_values(rules, names) == [None, 8, 12]
