"""Scores of channels, by hand."""

import functools

import jax
import numpy as np
import pytest

from prunax import shrinking
from prunax.errors import InputError
from prunax.ops.redundancy import redundancy
from prunax.shrinking import score

RNG = np.random.default_rng(0)
NET = {
  'a': RNG.normal(size=(5, 4)).astype(np.float32),
  'b': RNG.normal(size=(12, 6)).astype(np.float32),
  'c': RNG.normal(size=(4, 3)).astype(np.float32),
  'scale': np.array([1.0, -3.0, 2.0, 0.5], np.float32),
}


def apply(v, x):
  h = jax.nn.relu(x @ v['a'] * v['scale'])
  spread = (h[:, :, None] * np.ones((1, 1, 3), np.float32)).reshape(len(x), -1)
  return spread @ v['b'], h @ v['c']


@pytest.fixture(scope='module')
def group():
  return shrinking.channels(apply, NET, np.ones((2, 5), np.float32))[0]


def test_norms(group):
  np.testing.assert_allclose(
    score.l1(NET, group), np.abs(NET['a']).sum(0), rtol=1e-6
  )
  np.testing.assert_allclose(
    score.l2(NET, group), np.linalg.norm(NET['a'], axis=0), rtol=1e-6
  )
  np.testing.assert_array_equal(score.bn_scale(NET, group), [1, 3, 2, 0.5])


def test_cop_is_the_mean_over_what_a_channel_leads_to(group):
  # Three rows of b belong to each channel, one position each.
  b = NET['b'].reshape(4, 3, 6).transpose(1, 0, 2)
  both = [redundancy(b), redundancy(NET['c'][None])]
  np.testing.assert_allclose(
    shrinking.cop()(NET, group), 1 - np.mean(both, 0), rtol=1e-6
  )


def test_random_is_of_its_key(group):
  one, same, other = (
    score.random(jax.random.key(k))(NET, group) for k in (1, 1, 2)
  )
  assert one.tolist() == same.tolist() != other.tolist()


def test_cop_needs_a_layer_to_lead_to(group):
  with pytest.raises(InputError, match='a layer that'):
    shrinking.cop()(NET, group._replace(consumers=()))


@pytest.mark.parametrize(
  'wrong', [lambda: 1, lambda leaves: 1, lambda a, b, c: 1], ids=(0, 1, 3)
)
def test_a_score_takes_leaves_and_a_group(wrong):
  with pytest.raises(InputError, match=r'got one of .*: give it these two'):
    score.of(wrong)


def test_a_score_that_wraps_another_function(group):
  def norm(kernel):
    return np.abs(kernel).sum(0)

  @functools.wraps(norm)
  def wrapped(leaves, group):
    del group
    return norm(leaves['a'])

  assert score.checked(wrapped, NET, group).shape == (4,)


def test_complex_scores_are_refused(group):
  with pytest.raises(InputError, match=r'finite numbers .* mend the score'):
    score.checked(lambda leaves, group: np.ones(4, complex), NET, group)
