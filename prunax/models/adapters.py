"""Modules of Flax as pure functions on nested dicts of arrays."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from prunax import averages, tree
from prunax.errors import InputError
from prunax.models.types import Apply, Init, Model, Statistics, Variables

Build = Callable[[nnx.Rngs], nnx.Module]


def from_nnx(build: Build) -> tuple[Init, Apply]:
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
  Running averages are variables like all others, which `apply` only reads;
  `nnx_statistics` moves them.

  Args:
    build: rngs -> module. It must keep no random state, so a dropout is built
      without `rngs`.
  """
  structure = _structure(build)

  @jax.jit
  def init(key: jax.Array) -> Variables:
    structure()
    _, state = nnx.split(build(nnx.Rngs(key)))
    return _named(nnx.to_pure_dict(state))

  def apply(
    variables: Any, x: jax.Array, train: bool = False, rngs: Any = None
  ) -> jax.Array:
    return _called(_module(*structure(), variables, train), x, rngs)

  return init, apply


def nnx_statistics(build: Build) -> Statistics:
  """The `statistics` of a module that keeps running averages.

  >>> build = lambda rngs: nnx.BatchNorm(2, momentum=0.5, rngs=rngs)
  >>> init, _ = from_nnx(build)
  >>> x = jnp.array([[0.0, 2.0], [0.0, 4.0]])
  >>> _, after = nnx_statistics(build)(init(jax.random.key(0)), x)
  >>> after['mean'].tolist(), after['var'].tolist()
  ([0.0, 1.5], [0.5, 1.0])

  Args:
    build: as for `from_nnx`.
  """
  structure = _structure(build)

  def statistics(
    variables: Any, x: jax.Array, rngs: Any = None
  ) -> tuple[jax.Array, Any]:
    module = _module(*structure(), variables, train=True)
    logits = _called(module, x, rngs)
    after = _named(nnx.to_pure_dict(nnx.state(module)))
    return logits, averages.replaced(variables, after)

  return statistics


def nnx_model(
  name: str, build: Build, input_shape: tuple[int, ...], classes: int
) -> Model:
  """The model of a module with running averages.

  >>> build = lambda rngs: nnx.BatchNorm(2, rngs=rngs)
  >>> nnx_model('norm', build, (2,), 2).statistics is None
  False
  """
  functions = from_nnx(build)
  return Model(name, *functions, input_shape, classes, nnx_statistics(build))


def from_linen(module: Any, input_shape: tuple[int, ...]) -> tuple[Init, Apply]:
  """The `init` and the `apply` of a module of Flax Linen.

  >>> from flax import linen
  >>> init, apply = from_linen(linen.Dense(2), (3,))
  >>> variables = init(jax.random.key(0))
  >>> jax.tree.map(jnp.shape, variables)
  {'bias': (2,), 'kernel': (3, 2)}
  >>> apply(variables, jnp.ones((5, 3))).shape
  (5, 2)

  The collections `params` and `batch_stats` become one nested dict, and there
  may be no other. A call that takes `train` or `training`, or `deterministic`
  or `use_running_average`, is told the mode by it, and a key for training is
  that of its dropouts.

  Args:
    module: the module.
    input_shape: of one example.
  """

  @jax.jit
  def init(key: jax.Array) -> Variables:
    x = jnp.zeros((1, *input_shape))
    collections = module.init(key, x, **_mode(module, train=False))
    return _joined(collections)

  def apply(
    variables: Any, x: jax.Array, train: bool = False, rngs: Any = None
  ) -> jax.Array:
    # In training a module may write its averages, which are not asked for.
    logits, _ = _linen_called(module, variables, x, train, rngs)
    return logits

  return init, apply


def linen_statistics(module: Any) -> Statistics:
  """The `statistics` of a module of Linen that keeps running averages.

  >>> from flax import linen
  >>> norm = linen.BatchNorm(momentum=0.5)
  >>> init, _ = from_linen(norm, (2,))
  >>> x = jnp.array([[0.0, 2.0], [0.0, 4.0]])
  >>> _, after = linen_statistics(norm)(init(jax.random.key(0)), x)
  >>> after['mean'].tolist(), after['var'].tolist()
  ([0.0, 1.5], [0.5, 1.0])

  Args:
    module: as for `from_linen`.
  """

  def statistics(
    variables: Any, x: jax.Array, rngs: Any = None
  ) -> tuple[jax.Array, Any]:
    logits, written = _linen_called(module, variables, x, True, rngs)
    new = tree.named_leaves(written.get('batch_stats', {}))
    return logits, tree.nest(tree.named_leaves(variables) | new)

  return statistics


def _structure(build: Build) -> Callable[[], tuple[Any, Variables]]:
  """What of a module are no arrays, and its abstract arrays, found once."""

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

  return structure


def _module(
  graph: Any, example: Variables, variables: Any, train: bool
) -> nnx.Module:
  module = nnx.merge(graph, _like(example, variables))
  if train:
    module.train()
  else:
    module.eval()
  return module


def _called(module: Any, x: jax.Array, rngs: Any) -> jax.Array:
  if rngs is None or 'rngs' not in inspect.signature(module).parameters:
    return module(x)
  given = isinstance(rngs, nnx.Rngs)
  return module(x, rngs=rngs if given else nnx.Rngs(rngs))


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


def _mode(module: Any, train: bool) -> dict[str, bool]:
  """How the call of a module of Linen is told whether it trains."""
  takes = inspect.signature(module.__call__).parameters
  told = {'train': train, 'training': train}
  told |= {'deterministic': not train, 'use_running_average': not train}
  return {name: value for name, value in told.items() if name in takes}


def _linen_called(
  module: Any, variables: Any, x: jax.Array, train: bool, rngs: Any
) -> tuple[jax.Array, Any]:
  """The logits, and the collections that were written."""
  leaves = tree.named_leaves(variables)
  parts: dict[str, dict[str, Any]] = {'params': {}, 'batch_stats': {}}
  found = averages.flags(list(leaves))
  for (name, leaf), average in zip(leaves.items(), found, strict=True):
    parts['batch_stats' if average else 'params'][name] = leaf
  return module.apply(
    {kind: tree.nest(part) for kind, part in parts.items()},
    x,
    rngs=None if rngs is None else {'dropout': rngs},
    mutable=['batch_stats'],
    **_mode(module, train),
  )


def _joined(collections: Any) -> Variables:
  """One nested dict of the collections of Linen, of which two are known."""
  params = tree.named_leaves(collections.get('params', {}))
  stats = tree.named_leaves(collections.get('batch_stats', {}))
  others = set(collections) - {'params', 'batch_stats'}
  leaves = params | stats
  names = list(leaves)
  average = dict(zip(names, averages.flags(names), strict=True))
  strange = [n for n in names if average[n] != (n in stats)]
  if others or strange:
    raise InputError(
      'a module of Linen must keep params, and as batch_stats a mean and a var'
      f' of each normalization, got {", ".join([*sorted(others), *strange])}'
      ' too: write its init and apply by hand'
    )
  return tree.nest(leaves)
