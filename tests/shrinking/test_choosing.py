"""Which channels go: budgets, scores, scopes, rules and steps."""

import jax
import numpy as np
import pytest

import prunax
from prunax.errors import InputError
from tests.shrinking.nets import MLP, WIDE, X, mlp, same


@pytest.mark.parametrize(
  ('settings', 'said'),
  [
    ({'density': 0}, 'above 0'),
    ({'density': 1.5}, 'at most 1'),
    ({'density': 1e-3}, 'budget must be at least'),
    ({'density': 0.5, 'budget': 'time'}, 'flops, params, bytes, filters'),
    ({'density': 0.5, 'score': 'best'}, 'l1, l2'),
    ({'density': 0.5, 'scope': 'all'}, 'global, layer'),
    ({'density': 0.5, 'score': lambda v, g: np.ones(2)}, 'finite numbers'),
    ({'density': 0.5, 'keep': {}}, 'got both'),
    ({'density': 0.5, 'rules': [('.*', None)]}, 'may be cut'),
    ({'density': 0.5, 'score': 'bn_scale'}, 'norm with a scale'),
  ],
)
def test_bad_settings_are_refused(settings, said):
  with pytest.raises(InputError, match=said):
    prunax.shrink(mlp, MLP, X, **settings)


@pytest.mark.parametrize('budget', ['flops', 'params', 'bytes', 'filters'])
@pytest.mark.parametrize('scope', ['global', 'layer'])
@pytest.mark.parametrize('density', [0.2, 0.5, 0.9])
def test_budgets_are_held_from_below(budget, scope, density):
  small = prunax.shrink(
    mlp, WIDE, X, density=density, budget=budget, scope=scope
  )
  report = small.report
  if budget == 'filters':
    left = sum(report.kept[name] for name in ('a', 'b')) / 360
  else:
    left = report.after[budget] / report.before[budget]
  assert density - 0.005 <= left <= density
  same(small, mlp, WIDE, X)


def test_costs_are_those_of_the_arrays():
  small = prunax.shrink(mlp, WIDE, X, density=0.3)
  report = small.report
  assert report.before['params'] == sum(x.size for x in WIDE.values())
  assert report.after['params'] == sum(x.size for x in small.variables.values())
  assert report.after['bytes'] == 4 * report.after['params']
  products = sum(small.variables[n].size for n in 'abc')
  assert report.after['flops'] == 2 * len(X) * products
  assert report.layers['flops']['a'][0] == 2 * len(X) * 5 * 200


def test_the_smallest_norms_go_first():
  variables = {**MLP, 'a': MLP['a'] * np.arange(1, 9, dtype=np.float32) ** 3}
  rules = [('a', 1.0), ('.*', None)]
  small = prunax.shrink(
    mlp, variables, X, density=0.5, budget='filters', rules=rules
  )
  assert small.variables['b'].shape[1] == 6
  first = small.variables['a'].shape[1]
  np.testing.assert_array_equal(
    small.variables['a'], variables['a'][:, 8 - first :]
  )


def test_a_rule_gives_a_group_its_own_density():
  small = prunax.shrink(
    mlp, WIDE, X, density=0.9, rules=[('a', 0.25), ('.*', 1.0)]
  )
  assert small.variables['a'].shape == (5, 50)


def test_widths_are_multiples():
  small = prunax.shrink(mlp, WIDE, X, density=0.4, round_to=8)
  assert small.variables['a'].shape[1] % 8 == 0
  assert small.variables['b'].shape[1] % 8 == 0
  assert small.report.after['flops'] <= 0.4 * small.report.before['flops']


def test_in_steps_as_in_one_for_scores_that_do_not_change():
  one = prunax.shrink(mlp, WIDE, X, density=0.4, score='l1')
  three = prunax.shrink(mlp, WIDE, X, density=0.4, score='l1', steps=3)
  left = [
    s.report.after['flops'] / s.report.before['flops'] for s in (one, three)
  ]
  assert max(left) <= 0.4 and min(left) >= 0.395


def test_rules_may_leave_nothing_to_the_budget():
  rules = [('a', 0.5), ('.*', None)]
  report = prunax.shrink(mlp, MLP, X, density=0.5, rules=rules).report
  assert report.kept['a'] == len(MLP['a'][0]) // 2


@pytest.mark.parametrize(
  'rules, said',
  [
    ([('a', -3.0), ('.*', 1.0)], "density of 'a' by the rules must be"),
    ([('a', 2.0), ('.*', 1.0)], "density of 'a' by the rules must be"),
    ([('a', 0.0), ('.*', None)], "density of 'a' by the rules must be"),
    ('a', 'rules must be pairs'),
    ([('a', 0.5, 3)], 'every rule must be a pair'),
  ],
)
def test_rules_have_densities(rules, said):
  with pytest.raises(InputError, match=said):
    prunax.shrink(mlp, MLP, X, density=0.5, rules=rules)


@pytest.mark.parametrize(
  'settings', [{'score': 'l1'}, {'budget': 'params'}, {'round_to': 8}]
)
def test_settings_without_a_density_are_refused(settings):
  with pytest.raises(InputError, match='density must be given where'):
    prunax.shrink(mlp, MLP, X, **settings)


@pytest.mark.parametrize('given', [lambda s, g: ['a'] * g.size, lambda s, g: 0])
def test_scores_are_numbers(given):
  with pytest.raises(InputError, match=r'a score must be .* mend the score'):
    prunax.shrink(mlp, MLP, X, density=0.5, score=given)


def test_a_score_is_a_name_or_a_function():
  with pytest.raises(InputError, match='or a function, got 3'):
    prunax.shrink(mlp, MLP, X, density=0.5, score=3)


def test_later_steps_fill_the_budget():
  rng = np.random.default_rng(0)
  shapes = {'a': (6, 20), 'b': (20, 30), 'c': (30, 5)}
  net = {k: rng.normal(size=s).astype(np.float32) for k, s in shapes.items()}

  def apply(v, x):
    return jax.nn.relu(jax.nn.relu(x @ v['a']) @ v['b']) @ v['c']

  x = np.ones((1, 6), np.float32)
  for steps in (1, 2, 5):
    report = prunax.shrink(apply, net, x, density=0.4, steps=steps).report
    left = report.after['flops'] / report.before['flops']
    # A channel is up to 2 %, and what went in an earlier step stays away.
    assert 0.37 < left <= 0.4
