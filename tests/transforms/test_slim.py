"""The pull towards zero, by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from prunax import InputError, slim


def network():
  return {
    'conv': {'kernel': jnp.ones((2, 3))},
    'norm': {
      'scale': jnp.array([0.5, -0.5, 0.0]),
      'mean': jnp.ones(3),
      'var': jnp.ones(3),
    },
  }


def test_ruled_leaves_move_by_the_strength_and_others_by_their_gradient():
  params = network()
  tx = optax.chain(slim([('norm/.*', 0.1), ('.*', None)]), optax.sgd(1.0))
  grads = jax.tree.map(jnp.ones_like, params)
  updates, _ = tx.update(grads, tx.init(params), params)
  np.testing.assert_allclose(updates['norm']['scale'], [-1.1, -0.9, -1.0])
  np.testing.assert_allclose(updates['conv']['kernel'], -np.ones((2, 3)))
  # A running average is no weight.
  np.testing.assert_allclose(updates['norm']['var'], -np.ones(3))


def test_a_scale_that_nothing_else_moves_goes_to_zero():
  params = {'norm': {'scale': jnp.array([0.5, -0.3])}}
  tx = optax.chain(slim([('.*', 0.1)]), optax.sgd(0.5))
  state = tx.init(params)
  for _ in range(12):
    still = jax.tree.map(jnp.zeros_like, params)
    updates, state = tx.update(still, state, params)
    params = optax.apply_updates(params, updates)
  assert np.abs(params['norm']['scale']).max() < 0.051


@pytest.mark.parametrize('strength', [-0.1, float('nan'), 'much', True])
def test_a_strength_is_a_number_of_at_least_zero(strength):
  with pytest.raises(InputError, match=r'the strength of the rule'):
    slim([('.*', strength)])
