"""The traced program of a model: its leaves, its call, its results."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from prunax import tree
from prunax.errors import InputError
from prunax.shrinking.atoms import Axes, fixed_axes
from prunax.shrinking.control import join_all
from prunax.shrinking.program import Frame, Given, Linker


class Call(NamedTuple):
  """The arguments of one call, arrays apart from the rest.

  Attributes:
    arrays: in the order of the flat arguments.
    static: the others, by their place.
    structure: of (args, kwargs).
  """

  arrays: list[Any]
  static: tuple[tuple[int, Any], ...]
  structure: Any

  def rebuilt(self, arrays: Sequence[Any]) -> tuple[tuple[Any, ...], Any]:
    """The arguments with other arrays."""
    static = dict(self.static)
    rest = iter(arrays)
    n = len(self.static) + len(self.arrays)
    flat = [static[i] if i in static else next(rest) for i in range(n)]
    return jax.tree.unflatten(self.structure, flat)


def _is_array(x: Any) -> bool:
  return isinstance(
    x, (jax.Array, np.ndarray, np.generic, jax.ShapeDtypeStruct)
  )


def call_of(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Call:
  """The call with these arguments."""
  flat, structure = jax.tree.flatten((tuple(args), dict(kwargs)))
  static = tuple((i, x) for i, x in enumerate(flat) if not _is_array(x))
  return Call([x for x in flat if _is_array(x)], static, structure)


class Traced(NamedTuple):
  """A model's program, its positions joined.

  Attributes:
    linker: the positions.
    frame: the program.
    names: of the leaves of the variables.
    axes: of the leaves.
    structure: of the results.
  """

  linker: Linker
  frame: Frame
  names: list[str]
  axes: list[Axes]
  structure: Any


def trace(apply: Callable[..., Any], variables: Any, call: Call) -> Traced:
  """Traces a model at the shapes of its variables and of a call."""
  leaves, structure = jax.tree.flatten(variables)
  names = tree.leaf_names(variables)
  n = len(leaves)
  shape: Any = None

  def flat(*arrays: Any) -> list[Any]:
    nonlocal shape
    args, kwargs = call.rebuilt(arrays[n:])
    out = apply(jax.tree.unflatten(structure, arrays[:n]), *args, **kwargs)
    paths, shape = jax.tree_util.tree_flatten_with_path(out)
    shape = shape, [tree.path_name(path) for path, _ in paths]
    return [x for _, x in paths]

  avals = [_aval(x) for x in (*leaves, *call.arrays)]
  try:
    closed = jax.make_jaxpr(flat)(*avals)
  except InputError:
    raise
  except Exception as e:
    raise InputError(
      'apply must be a function of (variables, *example) that JAX can trace,'
      f' but {type(e).__name__}: {str(e).splitlines()[0] if str(e) else e!r};'
      ' mend the call or the model'
    ) from e
  linker = Linker()
  axes = [tuple(linker.fresh(k) for k in a.shape) for a in avals[:n]]
  given = [
    *(
      Given(x, name, frozenset({name}))
      for x, name in zip(axes, names, strict=True)
    ),
    *(Given(fixed_axes(a.shape)) for a in avals[n:]),
  ]
  frame, outs = linker.trace(closed, given)
  out_structure, out_names = shape
  for name, out in zip(out_names, outs, strict=True):
    _tie_result(linker, name, out.axes, dict(zip(names, axes, strict=True)))
  return Traced(linker, frame, names, axes, out_structure)


def _tie_result(
  linker: Linker, name: str, axes: Axes, leaves: Mapping[str, Axes]
) -> None:
  """A result stays whole, unless it is a leaf's new value."""
  for leaf, own in leaves.items():
    same = (
      name == leaf or name.endswith(f'/{leaf}') or leaf.endswith(f'/{name}')
    )
    if same and name and [*map(len, own)] == [*map(len, axes)]:
      join_all(linker, [own], [axes])
      return
  for axis in axes:
    linker.fix(axis, 'it is in the result of the model')


def _aval(x: Any) -> Any:
  if isinstance(x, jax.ShapeDtypeStruct):
    return x
  aval = jax.typeof(x) if isinstance(x, jax.Array) else np.asarray(x)
  return jax.ShapeDtypeStruct(aval.shape, aval.dtype)
