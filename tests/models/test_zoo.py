"""Models by name."""

import jax
import pytest

from prunax import models
from prunax.errors import InputError
from prunax.models import zoo


@pytest.fixture
def registry(monkeypatch):
  """Undoes what a test registers."""
  monkeypatch.setattr(zoo, '_REGISTERED', {})
  monkeypatch.setattr(zoo, '_BUILT', {})


def tiny(name):
  return models.get('lenet300100')._replace(name=name, classes=3)


def test_unknown_models_are_refused_with_the_names():
  with pytest.raises(InputError, match=r"lenet300100, lenet5.*'lenet6'"):
    models.get('lenet6')


def test_a_model_is_always_the_same_object():
  assert models.get('lenet5') is models.get('lenet5')


def test_registering(registry):
  models.register('tiny', lambda: tiny('tiny'))
  assert models.get('tiny').classes == 3
  assert models.names() == [*zoo._OWN, 'tiny']
  models.register('tiny', lambda: tiny('other'))
  assert models.get('tiny').name == 'other'


@pytest.mark.parametrize('name', ['', 'lenet5'])
def test_names_that_are_taken_are_refused(registry, name):
  with pytest.raises(InputError, match=f'got {name!r}: choose another'):
    models.register(name, lambda: tiny(name))


def test_variables_tell_their_model(registry):
  variables = models.get('lenet5').init(jax.random.key(0))
  assert [m.name for m in models.fitting(variables)] == ['lenet5']
  models.register('tiny', lambda: tiny('tiny'))
  variables = models.get('tiny').init(jax.random.key(0))
  assert [m.name for m in models.fitting(variables)] == ['lenet300100', 'tiny']
  normed = jax.eval_shape(
    models.get('resnet20_cifar10').init, jax.random.key(0)
  )
  assert [m.name for m in models.fitting(normed)] == ['resnet20_cifar10']
  del variables['ip3']
  assert models.fitting(variables) == []


def test_no_two_of_prunax_have_the_same_shapes():
  found = [sorted(models.shapes(models.get(name)).items()) for name in zoo._OWN]
  assert all(found.count(one) == 1 for one in found)


def test_names_of_models_are_theirs():
  assert all(models.get(name).name == name for name in zoo._OWN)


def test_running_averages_that_nothing_moves_are_refused():
  model = models.get('resnet20_cifar10')
  models.check_statistics(model)
  models.check_statistics(models.get('lenet5'))
  with pytest.raises(
    InputError, match=r"'block1_1/norm1/mean'.*statistics=None"
  ):
    models.check_statistics(model._replace(statistics=None))
