"""NRE: the error behind the relu, with the channel's weights made 0."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from prunax import shrinking
from prunax.errors import InputError

RNG = np.random.default_rng(0)


def normal(*shape):
  return RNG.normal(size=shape).astype(np.float32)


X = normal(6, 3)
NET = {'a': normal(3, 4), 'b': normal(4, 5), 'out': normal(5, 2)}
BIAS = {**NET, 'bias': normal(5)}
NORM = {**BIAS, 'scale': normal(5), 'short': normal(3, 5)}


def score_of(apply, net, x, name='a'):
  groups = {g.id: g for g in shrinking.channels(apply, net, x)}
  return shrinking.nre(apply, net, x)(net, groups[name])


def errors(hidden, net, leaf, places):
  """Relative errors of a hidden array without a channel's rows of a leaf."""
  whole = np.asarray(hidden(net))
  found = []
  for rows in places:
    less = net[leaf].copy()
    less[..., rows, :] = 0
    lost = whole - np.asarray(hidden({**net, leaf: less}))
    found.append((lost**2).sum() / (whole**2).sum())
  return found


def behind(activation, between=lambda v, x, y: y + v['bias']):
  """A net of two layers, and the output of its second."""

  def hidden(v, x):
    y = jax.nn.relu(x @ v['a']) @ v['b']
    return activation(between(v, x, y))

  return (lambda v, x: hidden(v, x) @ v['out']), hidden


@pytest.mark.parametrize(
  'activation', [jax.nn.relu, jax.nn.relu6, jnp.tanh, jax.nn.sigmoid]
)
def test_is_the_error_behind_the_activation(activation):
  apply, hidden = behind(activation)
  wanted = errors(lambda v: hidden(v, X), BIAS, 'b', np.arange(4))
  np.testing.assert_allclose(score_of(apply, BIAS, X), wanted, rtol=1e-4)


def shortcut_and_norm(v, x, y):
  return (y - v['bias']) * v['scale'] + x @ v['short']


def test_a_norm_and_a_shortcut_lie_before_it():
  apply, hidden = behind(jax.jit(jax.nn.relu), shortcut_and_norm)
  wanted = errors(lambda v: hidden(v, X), NORM, 'b', np.arange(4))
  np.testing.assert_allclose(score_of(apply, NORM, X), wanted, rtol=1e-4)


@pytest.mark.parametrize('activation', [jax.nn.gelu, lambda y: y])
def test_without_one_it_is_that_of_the_product(activation):
  apply, _ = behind(activation)

  def product(v):
    return jax.nn.relu(X @ v['a']) @ v['b']

  wanted = errors(product, BIAS, 'b', np.arange(4))
  np.testing.assert_allclose(score_of(apply, BIAS, X), wanted, rtol=1e-4)


def test_convolutions_of_groups_and_what_is_flattened():
  images = normal(2, 4, 4, 2)
  net = {
    'a': normal(1, 1, 2, 6),
    'b': normal(3, 3, 3, 6),
    'c': normal(6 * 16, 5),
    'out': normal(5, 2),
  }

  def conv(x, kernel, groups=1):
    return lax.conv_general_dilated(
      x,
      kernel,
      (1, 1),
      'SAME',
      dimension_numbers=('NHWC', 'HWIO', 'NHWC'),
      feature_group_count=groups,
    )

  def grouped(v):
    return jax.nn.relu(conv(jax.nn.relu(conv(images, v['a'])), v['b'], 2))

  def dense(v):
    return jax.nn.relu(grouped(v).reshape(2, -1) @ v['c'])

  def apply(v, x):
    return (
      jax.nn.relu(
        jax.nn.relu(conv(jax.nn.relu(conv(x, v['a'])), v['b'], 2)).reshape(
          2, -1
        )
        @ v['c']
      )
      @ v['out']
    )

  groups = {g.id: g for g in shrinking.channels(apply, net, images)}
  score = shrinking.nre(apply, net, images)
  for name, leaf, axis, hidden in (
    ('a', 'b', 2, grouped),
    ('b', 'c', 0, dense),
  ):
    places = groups[name].places[leaf, axis]
    wanted = errors(hidden, net, leaf, places)
    found = score(net, groups[name])
    assert len(found) == groups[name].size > 1
    np.testing.assert_allclose(found, wanted, rtol=1e-4)


def test_is_the_mean_over_what_reads_a_channel():
  def apply(v, x):
    h = x @ v['a']
    return jax.nn.relu(h @ v['b']) @ v['out'], h @ v['last']

  net = {**NET, 'last': normal(4, 3)}
  one = errors(lambda v: jax.nn.relu(X @ v['a'] @ v['b']), net, 'b', range(4))
  other = errors(lambda v: X @ v['a'] @ v['last'], net, 'last', range(4))
  np.testing.assert_allclose(
    score_of(apply, net, X), np.add(one, other) / 2, rtol=1e-4
  )


def test_no_output_is_no_error():
  apply, _ = behind(jax.nn.relu)
  net = {**BIAS, 'b': BIAS['b'] * 0, 'bias': BIAS['bias'] * 0}
  assert score_of(apply, net, X).tolist() == [0] * 4


def test_what_is_read_inside_of_a_loop_is_refused_by_name():
  def apply(v, x):
    def turn(h, _):
      return h + jax.nn.relu(h @ v['a']) @ v['back'], None

    return lax.scan(turn, x, length=2)[0] @ v['short'] @ v['out']

  net = {'a': NET['a'], 'back': normal(4, 3)}
  net |= {'short': NORM['short'], 'out': NET['out']}
  with pytest.raises(InputError, match="'a', but it is read inside of a scan"):
    shrinking.nre(apply, net, X)
