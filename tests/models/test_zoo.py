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
  assert models.names() == ['lenet300100', 'lenet5', 'tiny']
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
  del variables['ip3']
  assert models.fitting(variables) == []
