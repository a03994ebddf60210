"""Mistakes that were once taken silently, or told in a confusing way."""

import jax
import numpy as np
import optax
import pytest

from prunax import data, plan, transforms, tree
from prunax.errors import InputError
from prunax.transforms.surgery import Surgery


@pytest.mark.parametrize('seed', [-1, 2**31, 99999999999999999999])
def test_a_seed_that_no_generator_takes(small, seed):
  with pytest.raises(InputError, match="entry 'seed' must be from 0 to"):
    plan.check(small.make({'seed': seed}))


@pytest.mark.parametrize('bad', [np.nan, np.inf])
def test_examples_that_are_not_finite(tmp_path, bad):
  x = np.zeros((3, 4), np.float32)
  x[1, 2] = bad
  np.savez(tmp_path / 'mine.npz', x=x, y=np.arange(3))
  with pytest.raises(InputError, match=r'mine\.npz.*x must be finite'):
    data.npz.read(tmp_path / 'mine.npz')


def test_no_rules_at_all():
  with pytest.raises(InputError, match='there are no rules for ip/kernel'):
    tree.rule_values([], ['ip/kernel'])


def test_a_bad_setting_names_its_rule():
  rules = [('ip/.*', Surgery(density=1.5)), ('.*', None)]
  with pytest.raises(InputError, match=r"the rule 'ip/\.\*' cannot be used"):
    transforms.dns(optax.sgd(0.1), rules, jax.random.key(0))


def test_an_empty_idx_file(tmp_path):
  path = tmp_path / 'empty'
  path.write_bytes(b'')
  with pytest.raises(InputError, match='got no bytes'):
    data.idx.read(path)
