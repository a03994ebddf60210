"""An optimizer from the plain values of a config."""

from collections.abc import Callable, Mapping
from typing import Any

import optax

from prunax import schedules
from prunax.errors import InputError
from prunax.transforms.caffe import caffe_sgd, check_number
from prunax.transforms.lars import lars


def _sgd(
  learning_rate: optax.ScalarOrSchedule,
  weight_decay: float = 0.0,
  **settings: Any,
) -> optax.GradientTransformation:
  return optax.chain(
    optax.add_decayed_weights(weight_decay),
    optax.sgd(learning_rate, **settings),
  )


_CAFFE = ('momentum', 'weight_decay', 'lr_mult', 'decay_mult')

_OPTIMIZERS: dict[
  str, tuple[Callable[..., optax.GradientTransformation], tuple[str, ...]]
] = {
  'caffe_sgd': (caffe_sgd, (*_CAFFE, 'regularization')),
  'lars': (lars, (*_CAFFE, 'eta', 'exclude', 'compat')),
  'sgd': (_sgd, ('momentum', 'nesterov', 'weight_decay')),
  'adam': (optax.adam, ('b1', 'b2', 'eps')),
  'adamw': (optax.adamw, ('b1', 'b2', 'eps', 'weight_decay')),
  'lion': (optax.lion, ('b1', 'b2', 'weight_decay')),
}


def _check_iter_size(iter_size: Any) -> None:
  whole = isinstance(iter_size, int) and not isinstance(iter_size, bool)
  if not (whole and iter_size >= 1):
    raise InputError(
      f'iter_size must be a whole number of at least 1, got {iter_size!r}: give'
      ' the number of micro-batches in a batch'
    )


def optimizer(settings: Mapping[str, Any]) -> optax.GradientTransformation:
  """The optimizer that a config describes, to be used alone or wrapped.

  `name` is caffe_sgd, lars, sgd, adam, adamw or lion, `schedule` what
  `schedules.from_settings` reads, and the optimizer's own arguments have their
  own names. `clip_norm`, unless None, is the largest global norm of the
  gradients before decay.

  `iter_size` is checked and left to the caller: accumulation goes around a
  method that itself goes around this optimizer, so hand it to `accumulate`
  last. `clip_norm` then bounds the mean over micro-batches; Caffe's
  clip_gradients bounds their sum, so divide it by iter_size.

  >>> tx = optimizer({
  ...   'name': 'caffe_sgd', 'momentum': 0.9, 'weight_decay': 5e-4,
  ...   'lr_mult': [('.*/bias', 2.0), ('.*', 1.0)],
  ...   'schedule': {'policy': 'fixed', 'base': 0.01},
  ... })
  """
  settings = dict(settings)
  name = str(settings.pop('name', None))
  if name not in _OPTIMIZERS:
    raise InputError(
      f'the name of an optimizer must be known, got {name!r}: name one of'
      f' {", ".join(_OPTIMIZERS)}'
    )
  factory, own = _OPTIMIZERS[name]
  known = ('schedule', 'iter_size', 'clip_norm', *own)
  unknown = [key for key in settings if key not in known]
  if unknown or 'schedule' not in settings:
    raise InputError(
      f"the optimizer {name!r} must have the key 'schedule' and may have"
      f' {", ".join(known[1:])}, got {", ".join(settings) or "none"}: add what'
      ' is missing and remove the rest'
    )
  rate = schedules.from_settings(settings.pop('schedule'))
  clip_norm = settings.pop('clip_norm', None)
  _check_iter_size(settings.pop('iter_size', 1))
  tx = factory(rate, **settings)
  if clip_norm is None:
    return tx
  check_number('clip_norm', clip_norm)
  return optax.chain(optax.clip_by_global_norm(clip_norm), tx)


def accumulate(
  tx: optax.GradientTransformation, iter_size: int
) -> optax.GradientTransformation:
  """`tx` on the mean gradient of every `iter_size` micro-batches.

  Caffe's iter_size: between two updates the parameters stand still, and a
  schedule counts updates, not micro-batches. It is the outermost of all
  wrappers.

  >>> tx = accumulate(caffe_sgd(0.01), iter_size=2)
  """
  _check_iter_size(iter_size)
  if iter_size == 1:
    return tx
  steps = optax.MultiSteps(tx, iter_size)
  # The plain form of MultiSteps hides from optax that it takes extra arguments.
  return optax.GradientTransformationExtraArgs(steps.init, steps.update)
