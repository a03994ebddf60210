"""Surgery seen from outside: its state found, its thresholds moved."""

import jax
import jax.numpy as jnp
import optax
import pytest

import prunax
from prunax import transforms
from prunax.errors import InputError


def test_the_state_is_found_in_wrappers():
  params = {'a': {'kernel': jnp.ones((3, 2))}}
  rules = [('.*', prunax.Surgery(c_rate=1.0))]
  tx = prunax.dns(optax.sgd(0.1), rules, jax.random.key(0))
  wrapped = optax.MultiSteps(optax.chain(optax.clip(1.0), tx), 2)
  state = wrapped.init(params)
  assert float(transforms.find(state).c_rate['a']) == 1.0
  movable = transforms.movable(params, rules)
  new = transforms.replace_state(
    state,
    lambda s: transforms.moved(
      s, movable, jnp.array([2.0]), [jnp.zeros((3, 2), bool)]
    ),
  )
  assert float(transforms.find(new).c_rate['a']) == 2.0
  assert jax.tree.structure(new) == jax.tree.structure(state)
  with pytest.raises(InputError, match='must hold one state of dns, got 0'):
    transforms.find(optax.sgd(0.1).init(params))


def test_moved_masks_count_as_splices():
  params = {'a': {'kernel': jnp.array([[1.0, 0.0], [0.5, 2.0]])}}
  rules = [('.*', prunax.Surgery())]
  tx = prunax.dns(optax.sgd(0.1), rules, jax.random.key(0))
  state = transforms.moved(
    tx.init(params),
    transforms.movable(params, rules),
    jnp.array([0.5]),
    [jnp.array([[True, True], [False, True]])],
  )
  assert transforms.splices(state) == {'a': 1}
