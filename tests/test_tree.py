"""Names, rules and counts over every kind of pytree."""

import equinox as eqx
import haiku as hk
import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from flax import linen, nnx

from prunax import tree
from prunax.errors import InputError


def nested_dict():
  return {'ip': {'kernel': jnp.ones((2, 3)), 'bias': jnp.zeros(3)}}


def nnx_state():
  class Net(nnx.Module):
    def __init__(self, rngs):
      self.ip = nnx.Linear(2, 3, rngs=rngs)

  return nnx.state(Net(nnx.Rngs(0)), nnx.Param)


def linen_variables():
  class Net(linen.Module):
    @linen.compact
    def __call__(self, x):
      return linen.Dense(3, name='ip')(x)

  return Net().init(jax.random.key(0), jnp.ones((1, 2)))


def haiku_params():
  net = hk.transform(lambda x: hk.Linear(3, name='ip')(x))
  return net.init(jax.random.key(0), jnp.ones((1, 2)))


def equinox_module():
  return {'ip': eqx.nn.Linear(2, 3, key=jax.random.key(0))}


@pytest.mark.parametrize(
  ('make', 'names'),
  [
    (nested_dict, ['ip/bias', 'ip/kernel']),
    (nnx_state, ['ip/bias', 'ip/kernel']),
    (linen_variables, ['params/ip/bias', 'params/ip/kernel']),
    (haiku_params, ['ip/b', 'ip/w']),
    (equinox_module, ['ip/weight', 'ip/bias']),
  ],
)
def test_any_pytree(make, names):
  net = make()
  assert tree.leaf_names(net) == names
  assert list(tree.layers(names).values()) == [[0, 1]]
  rules = [('.*/(kernel|w|weight)', 'k'), ('.*', None)]
  values = tree.rule_values(rules, names)
  by_rank = [tree.is_kernel(x) for x in jax.tree.leaves(net)]
  assert [v == 'k' for v in values] == by_rank
  assert jax.tree.leaves(tree.match_rules(rules, net)) == ['k']
  assert sum(leaf.size for leaf in tree.count(net)) == 9


def test_the_first_full_match_wins():
  rules = [('conv1/.*', 1), ('conv.*', 2), ('.*', None)]
  names = ['conv1/kernel', 'conv2/kernel', 'deconv/kernel']
  assert tree.rule_values(rules, names) == [1, 2, None]


@pytest.mark.parametrize(
  ('rules', 'words'),
  [
    ([('fc/.*', 1), ('.*', 2)], ["'fc/.*' matches none", 'ip/kernel']),
    ([('ip/kernel', 1)], ["'ip/bias' is matched by none", "('.*'"]),
    ([('ip/(', 1)], ["'ip/('", 'regular expression']),
  ],
)
def test_bad_rules_are_refused_by_name(rules, words):
  with pytest.raises(InputError) as e:
    tree.match_rules(rules, nested_dict())
  assert all(word in str(e.value) for word in words)


def test_count_knows_the_zeros():
  counts = tree.count({'a': np.array([[0.0, -0.0, 2.0]]), 'b': np.zeros(0)})
  assert counts[0] == ('a', (1, 3), 3, 1)
  assert counts[0].density == 1 / 3
  assert counts[1].density == 1.0


def test_nest_inverts_names():
  net = {'a': {'b': {'kernel': 1}}, 'c': {'bias': 2}}
  assert tree.nest(tree.named_leaves(net)) == net


@pytest.mark.parametrize(
  ('dtype', 'values'),
  [('float32', 4), ('bfloat16', 4), ('float8_e5m2', 4), ('>f8', 4), ('?', 1)],
)
def test_values_count_every_other_number_once(dtype, values):
  x = np.array([0.0, -0.0, 1, 1, -1, np.inf, np.nan, np.nan])
  x = x.astype(np.dtype(getattr(ml_dtypes, dtype, dtype)))
  assert tree.distinct({'a': x}) == {'a': values}
