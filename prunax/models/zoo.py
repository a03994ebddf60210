"""Models by name."""

from collections.abc import Callable
from typing import Any

import numpy as np

from prunax import tree
from prunax.errors import InputError
from prunax.models import lenet
from prunax.models.check import shapes
from prunax.models.types import Model

_OWN: dict[str, Callable[[], Model]] = {
  'lenet300100': lenet.lenet300100,
  'lenet5': lenet.lenet5,
}
_REGISTERED: dict[str, Callable[[], Model]] = {}
_BUILT: dict[str, Model] = {}


def register(name: str, factory: Callable[[], Model]) -> None:
  """Makes a model of your own known by name, to `get` and to configs.

  Registering a name again replaces its model.

  >>> register('mine', lambda: lenet.lenet5()._replace(name='mine'))
  >>> get('mine').classes
  10

  Args:
    name: any name that is not taken by prunax itself.
    factory: gives the model; called once, when it is first asked for.
  """
  if not name or name in _OWN:
    raise InputError(
      'the name of a model of your own must not be empty or one of'
      f' {", ".join(_OWN)}, got {name!r}: choose another name'
    )
  _REGISTERED[name] = factory
  _BUILT.pop(name, None)


def names() -> list[str]:
  """The names of all models, those of prunax first."""
  return [*_OWN, *_REGISTERED]


def get(name: str) -> Model:
  """A model by name, always the same object.

  >>> get('lenet5').input_shape
  (28, 28, 1)

  Args:
    name: `lenet5`, `lenet300100` or a registered name.
  """
  if name not in _BUILT:
    factory = (_OWN | _REGISTERED).get(name)
    if factory is None:
      raise InputError(
        f'the model must be one of {", ".join(names())}, got {name!r}: mend'
        ' the name or register the model'
      )
    _BUILT[name] = factory()
  return _BUILT[name]


def fitting(variables: Any) -> list[Model]:
  """The models whose leaves have the names and shapes of these variables."""
  given = {n: np.shape(x) for n, x in tree.named_leaves(variables).items()}
  return [get(name) for name in names() if shapes(get(name)) == given]
