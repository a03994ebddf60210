"""Hidden units in another order: the same outputs, the largest first."""

import jax
import numpy as np
import pytest

from prunax import models, shrinking, tree
from prunax.errors import InputError

CHAINS = {
  'lenet5': (('conv1', 'conv2'), ('conv2', 'ip1'), ('ip1', 'ip2')),
  'lenet300100': (('ip1', 'ip2'), ('ip2', 'ip3')),
}


def sparse(name, density=0.05):
  model = models.get(name)
  variables = model.init(jax.random.key(0))
  rng = np.random.default_rng(1)
  return model, jax.tree.map(
    lambda x: np.where(
      rng.random(x.shape) < density, rng.normal(size=x.shape), 0
    ).astype(np.float32),
    variables,
  )


def test_by_hand():
  net = {
    'a': {'kernel': np.array([[0.0, 1, 0]]), 'bias': np.array([7.0, 8, 9])},
    # Two rows to a unit.
    'b': {'kernel': np.array([[0.0], [0], [3], [0], [5], [6]])},
  }
  found = shrinking.in_order(net, [('a', 'b')])
  assert found['a']['kernel'].tolist() == [[1, 0, 0]]
  assert found['a']['bias'].tolist() == [8, 9, 7]
  assert found['b']['kernel'][:, 0].tolist() == [3, 0, 5, 6, 0, 0]


@pytest.mark.parametrize('name', CHAINS)
def test_no_output_changes(name):
  model, variables = sparse(name)
  found = shrinking.in_order(variables, CHAINS[name])
  x = jax.random.uniform(jax.random.key(2), (20, *model.input_shape))
  before, after = (model.apply(v, x, train=False) for v in (variables, found))
  assert float(np.abs(before).max()) > 0
  np.testing.assert_allclose(before, after, rtol=1e-4, atol=1e-5)
  moved = [
    (a != b).any()
    for a, b in zip(
      jax.tree.leaves(variables), jax.tree.leaves(found), strict=True
    )
  ]
  assert sum(moved) > len(moved) / 2
  for a, b in zip(
    jax.tree.leaves(variables), jax.tree.leaves(found), strict=True
  ):
    assert sorted(a.reshape(-1)) == sorted(b.reshape(-1))


@pytest.mark.parametrize('name', CHAINS)
def test_units_stand_by_their_weights(name):
  _, variables = sparse(name)
  leaves = tree.named_leaves(shrinking.in_order(variables, CHAINS[name]))
  layer, following = CHAINS[name][-1]
  ways = (leaves[f'{layer}/kernel'] != 0).sum(0)
  ways += (leaves[f'{following}/kernel'] != 0).sum(1)
  assert (np.diff(ways) <= 0).all()


def test_a_chain_that_does_not_fit_is_refused():
  _, variables = sparse('lenet300100')
  with pytest.raises(InputError, match=r"784 inputs of 'ip1'.*100 units"):
    shrinking.in_order(variables, [('ip2', 'ip1')])
  with pytest.raises(InputError, match="got none at 'ip9/kernel'"):
    shrinking.in_order(variables, [('ip9', 'ip2')])


@pytest.mark.parametrize(
  'chain', ['ip1', None, 3, ('ip1', 'ip2'), [('ip1',)], [('ip1', 2)], ['ab']]
)
def test_a_chain_is_a_list_of_pairs(chain):
  _, variables = sparse('lenet300100')
  with pytest.raises(InputError, match='list of pairs of names of layers'):
    shrinking.in_order(variables, chain)
