"""What the layers that read a channel receive of it, example by example."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from prunax import tree
from prunax.errors import InputError
from prunax.shrinking import model
from prunax.shrinking.groups import Group
from prunax.shrinking.readers import Reader, all_readers, run_of

Responses = Mapping[str, np.ndarray]


def responses(
  apply: Callable[..., Any],
  variables: Any,
  *example: Any,
  rules: tree.Rules | None = None,
  **kwargs: Any,
) -> dict[str, np.ndarray]:
  """By group of channels, [examples, size] what their readers receive.

  A reader is a convolution or a dot product; it receives a channel after its
  norm, activation and pooling. The mean is taken over space, in which all that
  belongs to an example counts, and over the readers that lie in no loop.

  >>> def apply(variables, x):
  ...   return jax.nn.relu(x @ variables['a']) @ variables['b']
  >>> net = {'a': np.array([[1.0, -1.0]], 'f'), 'b': np.ones((2, 3), 'f')}
  >>> responses(apply, net, np.array([[2.0], [-3.0]], 'f'))['a'].tolist()
  [[2.0, 0.0], [0.0, 3.0]]

  Args:
    apply: a pure function of (variables, *example, **kwargs).
    variables: any tree of arrays.
    *example: what else it is called with; the first array has the examples
      along its first axis.
    rules: path rules for groups by their id: None for those to leave out, as
      `shrink` takes them.
    **kwargs: what `apply` is called with by name.
  """
  run = run_of(apply, variables, model.call_of(example, kwargs))
  found = all_readers(run, 'responses', rules)

  wanted = [r.slot for some in found.values() for r in some]

  def pooled(variables: Any, arrays: list[Any]) -> dict[str, jax.Array]:
    seen = run.seen(variables, arrays, wanted)

    def mean(name: str, some: list[Reader]) -> jax.Array:
      each = [_mean(seen[r.slot], r, run.examples, name) for r in some]
      return jnp.mean(jnp.stack(each), 0)

    return {name: mean(name, some) for name, some in found.items()}

  given = jax.jit(pooled)(variables, run.arrays)
  return {name: np.asarray(x) for name, x in given.items()}


def _mean(x: jax.Array, reader: Reader, examples: int, name: str) -> jax.Array:
  """[examples, size] of an operand of a product."""
  axis = reader.axes[reader.operand]
  first = _examples_axis(reader, x.shape, examples)
  if first is None:
    raise InputError(
      f'what reads {name!r} must have an axis for the {examples} examples, got'
      f' the shape {x.shape}: give a call whose first array has the examples'
      ' along its first axis'
    )
  places = reader.places[reader.operand]
  x = jnp.moveaxis(x, (first, axis), (0, -1)).take(places.reshape(-1), -1)
  return x.reshape(examples, -1, *places.shape).mean((1, 3))


def _examples_axis(
  reader: Reader, shape: tuple[int, ...], examples: int
) -> int | None:
  """The axis along which the examples lie, alone or with what is theirs."""
  eqn = reader.line.step.eqn
  if reader.line.name == 'dot_general':
    taken = eqn.params['dimension_numbers'][0][reader.operand]
    free = [k for k in range(len(shape)) if k not in taken]
  else:
    free = [eqn.params['dimension_numbers'].lhs_spec[0]]
  # One whose length is theirs goes before one that is merged.
  ranked = sorted(free, key=lambda k: shape[k] != examples)
  return next((k for k in ranked if shape[k] % examples == 0), None)


def of_group(found: Mapping[str, Any], group: Group, what: str) -> np.ndarray:
  """What was found of a group, [size] or [examples, size]."""
  x = np.asarray(found.get(group.id, ()))
  if x.shape[-1:] != (group.size,):
    got = f'the shape {x.shape}' if group.id in found else 'none'
    raise InputError(
      f'{what} must know the {group.size} channels of {group.id!r}, got {got}:'
      ' make it of this model, or None for it by a rule'
    )
  return x
