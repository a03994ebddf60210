"""Models by name."""

import functools
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from prunax import averages, tree
from prunax.errors import InputError
from prunax.models import lenet, mobilenet, resnet, vgg
from prunax.models.check import shapes
from prunax.models.types import Model

_OWN: dict[str, Callable[[], Model]] = {
  'lenet300100': lenet.lenet300100,
  'lenet5': lenet.lenet5,
}


def _add(
  name: str, factory: Callable[..., Model], *args: Any, **settings: Any
) -> None:
  _OWN[name] = functools.partial(factory, name, *args, **settings)


_add('vgg16_cifar10', vgg.vgg16)
_add('vgg16_cifar100', vgg.vgg16, classes=100, dropout=vgg.DROPOUT_CIFAR100)
_add('vgg11_imagenet', vgg.vgg11)
# As SFP and FPGM prune them.
_add('resnet20_cifar10', resnet.cifar_resnet, 20, version=1)
_add('resnet32_v1_cifar10', resnet.cifar_resnet, 32, version=1)
_add('resnet56_cifar10', resnet.cifar_resnet, 56, version=1)
# As COP prunes them.
_add('resnet32_cifar10', resnet.cifar_resnet, 32)
_add('resnet32_cifar100', resnet.cifar_resnet, 32, classes=100)
_add('resnet18_imagenet', resnet.resnet18)
_add('mobilenet_cifar10', mobilenet.cifar_mobilenet)
_add('mobilenet_cifar100', mobilenet.cifar_mobilenet, classes=100)
_add('mobilenet_imagenet', mobilenet.imagenet_mobilenet)
# For experiments of minutes on a processor.
_add(
  'vgg16_cifar10_slim',
  vgg.vgg16,
  [n // 8 for n in vgg.WIDTHS16],
  dropout=[0.0] * 10,
)
_add(
  'resnet32_cifar10_slim',
  resnet.cifar_resnet,
  32,
  widths=(6, 12, 24),
  # The 0.997 of the full one outlasts an experiment of minutes.
  momentum=0.9,
)
_add(
  'mobilenet_cifar10_slim',
  mobilenet.cifar_mobilenet,
  [n // 8 for n in mobilenet.WIDTHS],
)

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
    name: one of `names()`, such as `lenet5`, or a registered name.
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
  normed = any(averages.flags(list(given)))

  def fits(name: str) -> bool:
    model = get(name)
    # Spares the shapes of large networks, which take a second each.
    return (model.statistics is None or normed) and shapes(model) == given

  # No two of prunax's own have the same shapes.
  own = itertools.islice(filter(fits, _OWN), 1)
  return [get(name) for name in (*own, *filter(fits, _REGISTERED))]
