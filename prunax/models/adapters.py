"""Modules of Flax NNX as pure functions on nested dicts of arrays."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

import jax
from flax import nnx

from prunax.errors import InputError
from prunax.models.types import Apply, Init, Variables


def from_nnx(build: Callable[[nnx.Rngs], nnx.Module]) -> tuple[Init, Apply]:
  """The `init` and the `apply` of a module.

  >>> init, apply = from_nnx(lambda rngs: nnx.Linear(3, 2, rngs=rngs))
  >>> variables = init(jax.random.key(0))
  >>> jax.tree.map(jax.numpy.shape, variables)
  {'bias': (2,), 'kernel': (3, 2)}
  >>> apply(variables, jax.numpy.ones((5, 3))).shape
  (5, 2)

  The module's structure is split off once; under `jit` an `apply` costs only
  what its arrays cost. `train` turns dropout on and batch statistics off, and
  `rngs`, a key or an `nnx.Rngs`, is handed to a module whose call takes it.
  Running averages are variables like all others, which `apply` only reads.

  Args:
    build: rngs -> module. It must keep no random state, so a dropout is built
      without `rngs`.
  """

  @functools.cache
  def structure() -> tuple[Any, Variables]:
    graph, state = nnx.split(nnx.eval_shape(lambda: build(nnx.Rngs(0))))
    if nnx.filter_state(state, nnx.RngState):
      raise InputError(
        'a module must be a pure function of its variables, but it keeps'
        ' random state: build its dropouts without rngs and take rngs in its'
        ' call'
      )
    return graph, nnx.to_pure_dict(state)

  @jax.jit
  def init(key: jax.Array) -> Variables:
    structure()
    _, state = nnx.split(build(nnx.Rngs(key)))
    return _named(nnx.to_pure_dict(state))

  def apply(
    variables: Any, x: jax.Array, train: bool = False, rngs: Any = None
  ) -> jax.Array:
    graph, example = structure()
    module = nnx.merge(graph, _like(example, variables))
    if train:
      module.train()
    else:
      module.eval()
    if rngs is None or 'rngs' not in inspect.signature(module).parameters:
      return module(x)
    return module(x, rngs=rngs if _is_rngs(rngs) else nnx.Rngs(rngs))

  return init, apply


def _is_rngs(rngs: Any) -> bool:
  return isinstance(rngs, nnx.Rngs)


def _named(state: Any) -> Any:
  """The same tree with names where NNX counts the entries of lists."""
  if not isinstance(state, dict):
    return state
  return {str(key): _named(value) for key, value in state.items()}


def _like(example: Any, variables: Any) -> Any:
  """Named variables under the keys of NNX."""
  if not isinstance(example, dict):
    return variables
  return {key: _like(e, variables[str(key)]) for key, e in example.items()}
