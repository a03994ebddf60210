"""A module of NNX that is at hand: as a function, and with other arrays."""

import traceback
from collections.abc import Callable
from typing import Any

from flax import nnx

from prunax.errors import InputError
from prunax.models import widths
from prunax.models.types import Variables


def module_apply(
  module: nnx.Module,
) -> tuple[Callable[..., Any], Variables]:
  """A module as a pure function of its variables, and these.

  >>> layer = nnx.Linear(3, 2, rngs=nnx.Rngs(0))
  >>> apply, variables = module_apply(layer)
  >>> import jax
  >>> jax.tree.map(jax.numpy.shape, variables)
  {'bias': (2,), 'kernel': (3, 2)}
  >>> apply(variables, jax.numpy.ones((5, 3))).shape
  (5, 2)

  The function answers as in evaluation, and moves no averages. Random state is
  none of the variables.
  """
  if not isinstance(module, nnx.Module):
    raise InputError(
      f'module must be one of Flax NNX, got {type(module).__name__}: cut other'
      ' models by prunax.shrink'
    )
  still = nnx.clone(module)
  still.eval()
  graph, state = nnx.split(still)
  random, state = nnx.split_state(state, nnx.RngState, ...)
  # A variable of the module itself could not change inside of a trace.
  keys = nnx.to_pure_dict(random)

  def apply(variables: Any, *args: Any, **kwargs: Any) -> Any:
    return nnx.merge(graph, keys, variables)(*args, **kwargs)

  return apply, nnx.to_pure_dict(state)


def with_arrays(module: nnx.Module, variables: Variables) -> nnx.Module:
  """A copy of a module with other arrays, its widths mended.

  >>> layer = nnx.Linear(3, 2, rngs=nnx.Rngs(0))
  >>> _, variables = module_apply(layer)
  >>> import jax
  >>> small = with_arrays(layer, jax.tree.map(lambda x: x[..., :1], variables))
  >>> small.out_features, layer.out_features
  (1, 2)

  Args:
    module: a module, which stays as it is.
    variables: as `module_apply` gives them, of other widths.
  """
  graph, state = nnx.split(nnx.clone(module))
  random, state = nnx.split_state(state, nnx.RngState, ...)
  nnx.replace_by_pure_dict(state, variables)
  copy = nnx.merge(graph, random, state)
  widths.mend(copy)
  return copy


def culprit(error: BaseException) -> str:
  """Which module an error of a call comes from, as a name and a class.

  Of the calls that led to it, the last one of a module that is none of Flax.
  """
  frames = traceback.walk_tb(error.__traceback__)
  selves = [frame.f_locals.get('self') for frame, _ in frames]
  calls = [x for x in selves if isinstance(x, nnx.Module)]
  if not calls:
    return 'the module'
  paths = {id(x): path for path, x in nnx.iter_modules(calls[0])}
  own = [x for x in calls if not type(x).__module__.startswith('flax.')]
  found = (own or calls)[-1]
  path = '/'.join(map(str, paths.get(id(found), ())))
  kind = type(found).__name__
  return f'{path} ({kind})' if path else kind
