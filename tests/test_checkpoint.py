"""Checkpoints: exact, whole or not there, and never half read."""

import json
import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from prunax import checkpoint, transforms
from prunax.errors import InputError


def value(seed=0):
  rng = np.random.default_rng(seed)
  params = {
    'ip': {
      'kernel': jnp.asarray(rng.normal(size=(30, 20)).astype(np.float32)),
      'bias': jnp.zeros(20, jnp.bfloat16),
    }
  }
  rules = [('.*/kernel', {'c_rate': 0.0}), ('.*', None)]
  tx = optax.chain(transforms.dns(optax.adam(0.1), rules, jax.random.key(1)))
  return {
    'params': params,
    'opt_state': tx.init(params),
    'seconds': np.float64(0.1),
  }


def same(a, b):
  assert jax.tree.structure(a) == jax.tree.structure(b)
  for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
    assert x.dtype == y.dtype
    np.testing.assert_array_equal(np.asarray(x), np.asarray(y))


def test_what_was_saved_comes_back_in_its_types(tmp_path):
  path = checkpoint.save(tmp_path, 1, 20, value(0))
  same(checkpoint.restore(path, value(1)), value(0))


def test_the_newest_is_by_stage_and_step_not_by_spelling(tmp_path):
  assert checkpoint.latest(tmp_path) is None
  assert checkpoint.latest(tmp_path / 'nowhere') is None
  for stage, step in ((2, 90), (2, 100), (10, 5), (10, 123_456_789)):
    path = checkpoint.save(tmp_path, stage, step, {'x': np.arange(step % 7)})
    assert checkpoint.latest(tmp_path) == (stage, step, path)


def test_the_last_two_are_kept(tmp_path):
  for step in (10, 20, 30):
    checkpoint.save(tmp_path, 0, step, {'x': np.arange(step)})
  assert sorted(p.name for p in tmp_path.iterdir()) == [
    '0-00000020',
    '0-00000030',
  ]


def test_a_save_at_the_same_step_replaces_the_first(tmp_path):
  checkpoint.save(tmp_path, 0, 10, {'x': np.arange(3)})
  path = checkpoint.save(tmp_path, 0, 10, {'x': np.arange(3) + 1})
  restored = checkpoint.restore(path, {'x': np.arange(3)})
  assert restored['x'].tolist() == [1, 2, 3]


def test_what_a_kill_left_is_ignored_and_then_removed(tmp_path):
  path = checkpoint.save(tmp_path, 0, 10, {'x': np.arange(3)})
  leftovers = (
    '0-00000020.draft',
    '0-00000020.draft.orbax-checkpoint-tmp',
    '0-00000020.orbax-checkpoint-tmp-1700000000',
  )
  for name in leftovers:
    (tmp_path / name / 'd').mkdir(parents=True)
  assert checkpoint.latest(tmp_path) == (0, 10, path)
  checkpoint.save(tmp_path, 0, 20, {'x': np.arange(3)})
  names = sorted(p.name for p in tmp_path.iterdir())
  assert names == ['0-00000010', '0-00000020']


def cut(path):
  content = path.read_bytes()
  path.write_bytes(content[: len(content) // 2])


def change(path):
  content = bytearray(path.read_bytes())
  content[len(content) // 2] ^= 1
  path.write_bytes(content)


@pytest.mark.parametrize('damage', [cut, change, os.unlink])
def test_any_damaged_file_is_one_sentence(tmp_path, damage, capfd):
  stored = {'a': jnp.ones((40, 40)), 'b': np.float64(2.0)}
  path = checkpoint.save(tmp_path, 0, 10, stored)
  files = [p for p in path.rglob('*') if p.is_file()]
  assert len(files) > 5
  for file in files:
    content = file.read_bytes()
    damage(file)
    with pytest.raises(InputError) as e:
      checkpoint.restore(path, stored)
    assert str(path) in str(e.value)
    # A changed list of digests finds fault with the file that it lists.
    assert damage is change or file.name in str(e.value)
    assert '\n' not in str(e.value)
    file.write_bytes(content)
  same(checkpoint.restore(path, stored), stored)
  assert 'Traceback' not in capfd.readouterr().err


def test_a_folder_that_is_no_checkpoint_is_refused(tmp_path):
  path = tmp_path / '0-00000010'
  path.mkdir()
  with pytest.raises(InputError, match='0-00000010'):
    checkpoint.restore(path, {'x': np.arange(3)})


@pytest.mark.parametrize(
  'like',
  [
    {'x': np.arange(4)},
    {'x': jnp.arange(4)},
    {'y': np.arange(3)},
    {'x': {'z': np.arange(3)}},
  ],
)
def test_a_checkpoint_of_something_else_is_refused(tmp_path, like):
  path = checkpoint.save(tmp_path, 0, 10, {'x': np.arange(3)})
  with pytest.raises(InputError, match='0-00000010'):
    checkpoint.restore(path, like)


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
  (tmp_path / 'file').write_text('mine')
  with pytest.raises(InputError, match='must fit into') as e:
    checkpoint.save(tmp_path / 'file', 0, 10, {'x': np.arange(3)})
  assert str(tmp_path / 'file') in str(e.value)


_FILL = """
import json, pathlib, resource, sys
import numpy as np
from absl import logging
from prunax import checkpoint
from prunax.errors import InputError

logging.set_verbosity(logging.FATAL)
folder = pathlib.Path(sys.argv[1])
rng = np.random.default_rng(0)
value = {'a': rng.random((100, 100)), 'b': np.float64(1.0)}
checkpoint.save(folder, 0, 1, value)
told = []
for size in (10, 1000, 60_000):
  _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
  resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
  try:
    checkpoint.save(folder, 0, 2, value)
  except InputError as e:
    told.append(str(e))
restored = checkpoint.restore(folder / '0-00000001', value)
assert (restored['a'] == value['a']).all()
print(json.dumps(told))
"""


def test_a_disk_that_is_full_leaves_the_checkpoints_before(tmp_path):
  process = subprocess.run(
    [sys.executable, '-c', _FILL, str(tmp_path)],
    capture_output=True,
    text=True,
    check=False,
  )
  assert (process.returncode, process.stderr) == (0, '')
  told = json.loads(process.stdout)
  assert len(told) == 3
  for sentence in told:
    assert str(tmp_path) in sentence
    assert os.strerror(27) in sentence
    assert '\n' not in sentence
  assert [p.name for p in tmp_path.iterdir()] == ['0-00000001']
