"""`shrink` and `channels`, as a notebook calls them."""

import pickle

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax import lax

import prunax
from prunax import shrinking
from prunax.errors import InputError
from tests.shrinking.nets import MLP, WIDE, X, dense, mlp, same


def test_channels_tell_where_they_lie():
  first, second, last = prunax.channels(mlp, MLP, X)
  assert (first.id, first.size, first.prunable) == ('a', 8, True)
  assert [tuple(m) for m in first.members] == [('a', 1, 1), ('bias', 0, 1)]
  assert [tuple(m) for m in first.consumers] == [('b', 0, 1)]
  assert second.id == 'b' and not last.prunable
  assert 'result of the model' in last.why


def test_keep_by_leaf_or_group():
  keep = np.array([True] * 3 + [False] * 5)
  by_leaf = prunax.shrink(mlp, MLP, X, keep={'bias': keep})
  by_group = prunax.shrink(mlp, MLP, X, keep={'a': keep})
  for small in (by_leaf, by_group):
    assert {n: x.shape for n, x in small.variables.items()} == {
      'a': (5, 3),
      'b': (3, 6),
      'bias': (3,),
      'c': (6, 3),
    }
    same(small, mlp, MLP, X)
  np.testing.assert_array_equal(by_leaf.variables['a'], MLP['a'][:, :3])


@pytest.mark.parametrize(
  ('keep', 'said'),
  [
    ({'a': np.ones(8, bool), 'bias': np.arange(8) > 0}, 'agree'),
    ({'a': np.ones(7, bool)}, '8 entries'),
    ({'a': np.zeros(8, bool)}, 'a channel'),
    ({'nobody': np.ones(8, bool)}, 'must name leaves'),
    ({'c': np.arange(3) > 0}, 'result of the model'),
    ({'a': np.ones(8)}, 'booleans'),
  ],
)
def test_bad_keep_is_refused(keep, said):
  with pytest.raises(InputError, match=said):
    prunax.shrink(mlp, MLP, X, keep=keep)


def test_keep_names_what_each_vector_is_of():
  with pytest.raises(InputError, match='keep must map leaves or groups'):
    prunax.shrink(mlp, MLP, X, keep=[np.ones(8, bool)])


def test_a_constant_goes_into_its_consumer():
  small = prunax.shrink(
    lambda v, x: mlp(v, x, jax.nn.sigmoid), MLP, X, keep={'a': np.arange(8) > 3}
  )
  assert small.report.plan.added and not small.report.stayed
  same(small, lambda v, x: mlp(v, x, jax.nn.sigmoid), MLP, X)


def _conv(x, kernel):
  return lax.conv_general_dilated(
    x, kernel, (1, 1), 'SAME', dimension_numbers=('NHWC', 'HWIO', 'NHWC')
  )


def bordered(v, x):
  """Half of what the first one gives is cut off at the border."""
  h = _conv(jax.nn.sigmoid(_conv(x, v['a'])), v['b'])
  return _conv(jax.nn.relu(h), v['c'])


BORDERED = dense(('a', (3, 3, 2, 4)), ('b', (3, 3, 4, 8)), ('c', (3, 3, 8, 2)))
IMAGES = np.ones((1, 5, 5, 2), np.float32)


def test_a_constant_that_is_cut_off_at_the_border_stays(tmp_path):
  keep = {'a': np.array([True, False, True, False])}
  small = prunax.shrink(bordered, BORDERED, IMAGES, keep=keep)
  plan = small.report.plan
  assert small.report.stayed == {'a': 2} and small.report.kept['a'] == 4
  assert str(pickle.loads(pickle.dumps(plan))) == str(plan)
  masked = {**BORDERED, 'a': BORDERED['a'] * keep['a']}
  np.testing.assert_allclose(
    small.apply(small.variables, IMAGES), bordered(masked, IMAGES), atol=1e-6
  )
  prunax.save_shrunk(tmp_path / 'small.npz', small.variables, plan)
  loaded = prunax.load_shrunk(tmp_path / 'small.npz', bordered)[2]
  for one in (plan, loaded):
    chex.assert_trees_all_equal(one.mask(BORDERED), masked)
    chex.assert_trees_all_equal(one.cut(masked), small.variables)


def test_a_budget_takes_others_for_channels_that_stay():
  small = prunax.shrink(bordered, BORDERED, IMAGES, density=0.6, score='l1')
  report = small.report
  assert list(report.stayed) == ['a'] and report.kept['a'] == 4
  assert report.kept['b'] == 4
  same(small, bordered, BORDERED, IMAGES)
  with pytest.raises(InputError, match='a must stay whole, since'):
    prunax.shrink(bordered, BORDERED, IMAGES, density=0.1)


def test_only_what_is_dead_goes_by_itself():
  v = {name: x.copy() for name, x in MLP.items()}
  v['a'][:, 0] = 0  # makes only its bias
  v['b'][3] = 0  # is read by nobody
  small = prunax.shrink(mlp, v, X)
  assert small.variables['a'].shape == (5, 6)
  np.testing.assert_allclose(
    small.apply(small.variables, X), mlp(v, X), rtol=1e-5, atol=1e-5
  )


def test_a_user_s_primitive_is_refused_by_name_until_it_is_taught():
  mine = jax.extend.core.Primitive('mine')
  mine.def_impl(lambda x: x * 2)
  mine.def_abstract_eval(lambda x: x)
  name = 'mine_for_this_test'
  mine.name = name

  def apply(v, x):
    return mine.bind(x @ v['a']) @ v['b']

  v = dense(('a', (5, 4)), ('b', (4, 2)))
  first = prunax.channels(apply, v, X)[0]
  assert not first.prunable and repr(name) in first.why
  prunax.register_primitive(name, shrinking.elementwise.elementwise)
  assert prunax.channels(apply, v, X)[0].prunable
  small = prunax.shrink(apply, v, X, density=0.5)
  same(small, apply, v, X)


def test_a_rule_must_be_a_rule():
  with pytest.raises(InputError, match='must be a prunax'):
    prunax.register_primitive('mine', 'elementwise')


def test_any_batch_jit_grad_and_export():
  small = prunax.shrink(mlp, MLP, X, density=0.5)
  masked = small.report.plan.mask(MLP)
  more = np.concatenate([X, -X, X])
  np.testing.assert_allclose(
    jax.jit(small.apply)(small.variables, more), mlp(masked, more), atol=1e-5
  )

  def loss(apply):
    return lambda v: jnp.sum(apply(v, more) ** 2)

  full, own = jax.grad(loss(mlp))(masked), jax.grad(loss(small.apply))
  for name, g in own(small.variables).items():
    np.testing.assert_allclose(
      g, small.report.plan.cut(full)[name], rtol=1e-4, atol=1e-4
    )
  exported = jax.export.export(jax.jit(small.apply))(small.variables, more)
  np.testing.assert_allclose(
    exported.call(small.variables, more), mlp(masked, more), atol=1e-5
  )


def test_a_cut_model_is_cut_again():
  once = prunax.shrink(mlp, WIDE, X, density=0.5)
  twice = prunax.shrink(once.apply, once.variables, X, density=0.5)
  assert twice.report.before['flops'] == once.report.after['flops']
  same(twice, once.apply, once.variables, X)


def test_a_plan_cuts_states_and_refuses_others():
  tx = optax.chain(optax.clip(1.0), optax.adam(1e-3))
  state = tx.init(MLP)
  small = prunax.shrink(mlp, MLP, X, density=0.5)
  cut = small.report.plan.cut_state(tx, state)
  fresh = tx.init(small.variables)
  assert jax.tree.map(np.shape, cut) == jax.tree.map(np.shape, fresh)
  with pytest.raises(InputError, match='leaves of the plan'):
    small.report.plan.cut({'other': X})
  with pytest.raises(InputError, match='shape'):
    small.report.plan.cut(small.variables)
  with pytest.raises(InputError, match='shape'):
    small.apply(MLP, X)


def test_a_plan_whose_masks_disagree_is_refused():
  small = prunax.shrink(mlp, MLP, X, keep={'a': np.arange(8) < 4})
  plan = small.report.plan
  for other in (np.arange(8) > 3, np.ones(8, bool)):
    mixed = plan._replace(kept={**plan.kept, 'bias': {0: other}})
    apply = prunax.shrinking.cut_apply(mlp, mixed)
    with pytest.raises(InputError, match='must cut a channel of all leaves'):
      apply(mixed.cut(MLP), X)


def test_layers_in_a_scan_share_one_decision():
  v = dense(('up', (3, 5, 7)), ('down', (3, 7, 5)), ('out', (5, 2)))

  def apply(v, x):
    def body(h, w):
      return h + jnp.tanh(h @ w[0]) @ w[1], None

    return lax.scan(body, x, (v['up'], v['down']))[0] @ v['out']

  small = prunax.shrink(apply, v, X, density=0.5, budget='params')
  assert small.variables['up'].shape[0] == 3
  assert small.variables['up'].shape[2] == small.variables['down'].shape[1] < 7
  same(small, apply, v, X)


def test_what_is_normalized_over_stays():
  v = dense(('a', (5, 6)), ('scale', (6,)), ('b', (6, 2)))

  def apply(v, x):
    h = x @ v['a']
    h = (h - h.mean(-1, keepdims=True)) / (h.std(-1, keepdims=True) + 1)
    return (h * v['scale']) @ v['b']

  first = prunax.channels(apply, v, X)[0]
  assert not first.prunable and 'reduce_sum' in first.why


def test_an_untraceable_model_is_refused():
  with pytest.raises(InputError, match='JAX can trace'):
    prunax.shrink(lambda v, x: float(x.sum()), MLP, X)


def test_a_state_of_a_part_of_the_variables_is_cut():
  def apply(w, x):
    return mlp(w['params'], x) * w['batch_stats']['m']

  full = {'params': MLP, 'batch_stats': {'m': np.float32(1)}}
  small = prunax.shrink(apply, full, X, density=0.5)
  plan = small.report.plan
  tx = optax.adam(1e-3)
  state = plan.cut_state(tx, tx.init(MLP))
  want = tx.init(small.variables['params'])
  assert jax.tree.map(np.shape, state) == jax.tree.map(np.shape, want)
  hidden = {name: name != 'a' for name in MLP}
  tx = optax.masked(optax.trace(0.9), hidden)
  state = plan.cut_state(tx, tx.init(MLP))
  want = tx.init(small.variables['params'])
  assert jax.tree.map(np.shape, state) == jax.tree.map(np.shape, want)


def test_a_state_of_another_model_is_refused():
  plan = prunax.shrink(mlp, MLP, X, density=0.5).report.plan
  tx = optax.adam(1e-3)
  with pytest.raises(InputError, match='like the variables of the plan'):
    plan.cut_state(tx, tx.init({'q': np.ones((3, 4), 'f')}))
