"""What readers receive, against the hidden values themselves."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from prunax import shrinking
from prunax.errors import InputError

RNG = np.random.default_rng(0)
DIMENSIONS = ('NHWC', 'HWIO', 'NHWC')


def conv(x, kernel, groups=1):
  return lax.conv_general_dilated(
    x,
    kernel,
    (1, 1),
    'SAME',
    dimension_numbers=DIMENSIONS,
    feature_group_count=groups,
  )


def normal(*shape):
  return RNG.normal(size=shape).astype(np.float32)


IMAGES = normal(3, 4, 4, 2)


def close(found, wanted):
  np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


def test_after_activation_and_pooling_over_all_of_space():
  net = {'a': normal(3, 3, 2, 5), 'b': normal(20, 6), 'c': normal(6, 2)}

  def hidden(v, x):
    h = jax.nn.relu(conv(x, v['a']))
    h = lax.reduce_window(
      h, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), 'VALID'
    )
    return h, jax.nn.relu(h.reshape(len(x), -1) @ v['b'])

  found = shrinking.responses(
    lambda v, x: hidden(v, x)[1] @ v['c'], net, IMAGES
  )
  pooled, dense = hidden(net, IMAGES)
  assert set(found) == {'a', 'b'}
  close(found['a'], pooled.mean((1, 2)))
  close(found['b'], dense)


def test_the_mean_of_several_readers():
  net = {'a': normal(2, 4), 'b': normal(4, 3), 'c': normal(4, 4)}

  def apply(v, x):
    h = x @ v['a']
    return jnp.tanh(h) @ v['b'], jax.nn.relu(h) @ v['c']

  x = normal(5, 2)
  h = x @ net['a']
  found = shrinking.responses(apply, net, x)['a']
  close(found, (np.tanh(h) + np.maximum(h, 0)) / 2)


def test_channels_that_groups_share():
  # A channel of the group is one position in each of the two groups.
  net = {'a': normal(1, 1, 2, 6), 'b': normal(1, 1, 3, 4), 'c': normal(4, 2)}
  seen = {}

  def apply(v, x):
    seen['h'] = jnp.tanh(conv(x, v['a']))
    return conv(seen['h'], v['b'], 2).mean((1, 2)) @ v['c']

  apply(net, IMAGES)
  h = seen['h'].mean((1, 2)).reshape(3, 2, 3).mean(1)
  found = shrinking.responses(apply, net, IMAGES)
  (size_of_three,) = [x for x in found.values() if x.shape == (3, 3)]
  close(size_of_three, h)


NET = {'a': normal(2, 4), 'b': normal(4, 4), 'c': normal(4, 2)}
X = normal(5, 2)


def plain(v, x):
  return jax.nn.relu(jax.nn.silu(x @ v['a']) @ v['b']) @ v['c']


def wrapped(v, x):
  first = jax.jit(lambda x: jax.nn.silu(x @ v['a']))
  second = jax.checkpoint(lambda x: jax.nn.relu(x @ v['b']))
  return jax.jit(jax.vmap(lambda x: second(first(x)) @ v['c']))(x)


def test_through_calls_and_rules_of_gradients():
  one, other = (shrinking.responses(f, NET, X) for f in (plain, wrapped))
  assert set(one) == set(other) == {'a', 'b'}
  for name, x in one.items():
    close(other[name], x)


def test_examples_that_are_merged_with_their_tokens():
  tokens = normal(5, 3, 2)

  def merged(v, x):
    return plain(v, x.reshape(-1, 2)).reshape(x.shape)

  found = shrinking.responses(merged, NET, tokens)
  wanted = shrinking.responses(plain, NET, tokens)
  assert wanted['a'].shape == (5, 4)
  close(wanted['a'], jax.nn.silu(tokens @ NET['a']).mean(1))
  close(found['a'], wanted['a'])


def test_both_sides_of_a_product_of_two_activations():
  net = {'q': normal(2, 4), 'k': normal(2, 4)}

  def apply(v, x):
    return jnp.einsum('bqd,bkd->bqk', x @ v['q'], x @ v['k'])

  tokens = normal(5, 3, 2)
  found = shrinking.responses(apply, net, tokens)
  both = (tokens @ net['q'] + tokens @ net['k']) / 2
  (name,) = found
  close(found[name], both.mean(1))
  group = shrinking.channels(apply, net, tokens)[0]
  lost = shrinking.nre(apply, net, tokens)(net, group)
  parts = [
    np.einsum('bq,bk->bqk', tokens @ net['q'][:, c], tokens @ net['k'][:, c])
    for c in range(4)
  ]
  whole = np.square(sum(parts)).sum()
  np.testing.assert_allclose(
    lost, [np.square(p).sum() / whole for p in parts], rtol=1e-4
  )


def test_what_is_read_inside_of_a_loop_is_refused_by_name():
  def apply(v, x):
    def turn(h, _):
      return h + jax.nn.relu(h @ v['a']) @ v['b'], None

    h, _ = lax.scan(turn, x, length=2)
    return jax.nn.relu(h @ v['first']) @ v['c']

  net = {**NET, 'b': normal(4, 2), 'first': normal(2, 4)}
  with pytest.raises(InputError, match="'a', but it is read inside of a scan"):
    shrinking.responses(apply, net, X)
  # As for a cut, rules cover the groups too that are never cut.
  rules = [('a', None), ('[bc]', None), ('first', 1.0)]
  found = shrinking.responses(apply, net, X, rules=rules)
  assert set(found) == {'first'}
  with pytest.raises(InputError, match="4 channels of 'a', got none"):
    shrinking.shrink(
      apply, net, X, density=0.5, score=shrinking.pfa_energy(found)
    )
  small = shrinking.shrink(
    apply, net, X, density=0.9, score=shrinking.pfa_energy(found), rules=rules
  )
  assert small.variables['first'].shape[1] < 4


def test_the_example_must_hold_examples():
  with pytest.raises(InputError, match='without values'):
    shrinking.responses(plain, NET, jax.ShapeDtypeStruct((5, 2), np.float32))
  with pytest.raises(InputError, match='no array'):
    shrinking.responses(lambda v: plain(v, X), NET)
  with pytest.raises(InputError, match='axis for the 2 examples'):
    shrinking.responses(plain, NET, X[0])


def test_no_examples_at_all_are_refused():
  v = {'a': np.ones((3, 4), 'f'), 'b': np.ones((4, 2), 'f')}
  with pytest.raises(InputError, match='give some of the data'):
    shrinking.responses(
      lambda v, x: x @ v['a'] @ v['b'], v, np.ones((0, 3), 'f')
    )
