"""What a search and `olmp` refuse: weights and functions that cannot work."""

import inspect
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from prunax import tree
from prunax.errors import InputError, reason


def check_params(params: Any) -> None:
  """Refuses a tree without weights, and leaves that cannot be trained."""
  leaves = tree.named_leaves(params)
  if not leaves:
    raise InputError(
      f'params must hold weights, got {params!r}: give the tree that is trained'
    )
  for name, x in leaves.items():
    if not jnp.issubdtype(jnp.result_type(x), jnp.floating):
      raise InputError(
        'every leaf of params must hold floating numbers, got'
        f' {jnp.result_type(x)} in {name!r}: leave it out of params, and let'
        ' the functions close over it'
      )
  bad = not_finite(params)
  if bad:
    raise InputError(
      'the starting weights must be finite, got a NaN or infinity in'
      f' {", ".join(map(repr, bad))}: start from weights that have none'
    )


def not_finite(params: Any) -> list[str]:
  """The names of the leaves that hold a NaN or an infinity.

  >>> not_finite({'a': jnp.ones(2), 'b': jnp.array([1.0, jnp.nan])})
  ['b']
  """
  return [
    name
    for name, x in tree.named_leaves(params).items()
    if not bool(jnp.all(jnp.isfinite(x)))
  ]


def check_accuracy(
  accuracy: Any, params: Any, data: tuple[Any, ...] = ()
) -> None:
  """Refuses an accuracy that cannot be compiled or is no single number."""
  _check_call('accuracy', accuracy, 'params', (params, *data))
  try:
    found = jax.eval_shape(accuracy, params, *data)
  except (jax.errors.JAXTypeError, jax.errors.JAXIndexError) as e:
    raise InputError(
      'accuracy must be made of JAX operations, since searches are compiled,'
      f' but {reason(e).rstrip(".")}: use jax.numpy in it, and neither float()'
      ' nor NumPy'
    ) from e
  if getattr(found, 'shape', None) != ():
    raise InputError(
      'accuracy must give one number, the share of right answers, got'
      f' {found}: take the mean'
    )


def check_loss(loss: Callable[..., Any], params: Any, batch: Any) -> None:
  """Refuses a loss that has no gradient to follow."""
  _check_call('loss', loss, 'params and a batch', (params, batch))
  found = jax.eval_shape(loss, params, batch)
  dtype = getattr(found, 'dtype', jnp.int32)
  if getattr(found, 'shape', None) != () or not jnp.issubdtype(
    dtype, jnp.floating
  ):
    raise InputError(
      f'loss must give one floating number, got {found}: take the mean over'
      ' the batch, and give nothing beside it'
    )


def _check_call(
  name: str, function: Any, takes: str, given: tuple[Any, ...]
) -> None:
  if not callable(function):
    raise InputError(
      f'{name} must be a function of {takes}, got {function!r}: give one'
    )
  try:
    signature = inspect.signature(function)
  except ValueError:
    # Some that are written in C do not tell what they take.
    return
  try:
    signature.bind(*given)
  except TypeError as e:
    raise InputError(
      f'{name} must be a function of {takes}, but {e}: bind the rest before'
    ) from None


def share(what: str, value: Any, slack: float) -> float:
  """A share of right answers as a plain number.

  >>> share('the accuracy', jnp.float32(0.5), 1e-6)
  0.5

  Args:
    what: whose, for the sentence if it is refused.
    value: the number.
    slack: how far beyond 0 and 1 rounding may lead.
  """
  plain = float(value)
  if -slack <= plain <= 1 + slack:
    return plain
  advice = (
    'divide percents by 100, and counts by the number of examples'
    if math.isfinite(plain)
    else 'look for a NaN in what the accuracy function computes'
  )
  raise InputError(
    f'{what} must be the share of right answers, from 0 to 1, got {plain:g}:'
    f' {advice}'
  )
