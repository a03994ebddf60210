"""Modules of NNX with fewer channels: the user's own, as modules."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from prunax import models, shrinking, shrunk_files, tree
from prunax.errors import InputError
from prunax.files import PathLike

# What else `shrink` is called with by name is for the module.
_SETTINGS = frozenset(inspect.signature(shrinking.shrink).parameters)

_INSTEAD = 'use the apply that prunax.shrink gives'


class ShrunkModule(NamedTuple):
  """A cut module: unpacks as (module, report)."""

  module: Any
  report: shrinking.Report


def shrink_module(module: Any, *example: Any, **settings: Any) -> ShrunkModule:
  """Cuts channels out of a module of Flax NNX: the same module, but smaller.

  In evaluation it answers as the masked one. It is an ordinary module: its
  arrays are cut, and the widths that Flax's layers keep are mended. The module
  that is given stays as it is.

  >>> import jax
  >>> from flax import nnx
  >>> net = nnx.Sequential(
  ...   nnx.Linear(3, 8, rngs=nnx.Rngs(0)),
  ...   jax.nn.relu,
  ...   nnx.Linear(8, 2, rngs=nnx.Rngs(1)),
  ... )
  >>> small, report = shrink_module(net, np.ones((1, 3), 'f'), density=0.5)
  >>> small.layers[0].out_features, small(np.ones((5, 3), 'f')).shape
  (4, (5, 2))

  Args:
    module: the module.
    *example: what it is called with.
    **settings: those of `prunax.shrink`, and what it is called with by name.
  """
  apply, variables = models.module_apply(module)
  small = shrinking.shrink(apply, variables, *example, **settings)
  cut, plan = _folded(small.variables, small.report.plan)
  copy = models.with_arrays(module, cut)
  named = {k: x for k, x in settings.items() if k not in _SETTINGS}
  _check(copy, shrinking.cut_apply(apply, plan), example, named)
  return ShrunkModule(copy, small.report._replace(plan=plan))


def load_module(path: PathLike, module: Any) -> tuple[Any, shrinking.Plan]:
  """A module that was cut and saved, and its plan.

  Args:
    path: what `save_shrunk` wrote of the variables of a module that
      `shrink_module` gave, `nnx.state(small)`.
    module: one like that before the cut, of which only the form counts.
  """
  variables, plan, _ = shrunk_files.cut_weights(path)
  if plan.added:
    raise InputError(
      f'{path} must be of a module that shrink_module cut, but its plan adds'
      f' to products of {", ".join(sorted(plan.added)[:4])}: load it by'
      ' load_shrunk'
    )
  _, full = models.module_apply(module)
  cut = shrunk_files.in_form(variables, plan, full)
  return models.with_arrays(module, cut), plan


def _folded(variables: Any, plan: shrinking.Plan) -> tuple[Any, shrinking.Plan]:
  """What the plan adds to products, in the biases of their layers."""
  leaves = tree.named_leaves(variables)
  for mark, added in plan.added.items():
    layer = tree.parent(mark.rpartition('#')[0])
    bias = f'{layer}/bias' if layer else 'bias'
    shape = plan.shapes.get(bias)
    if shape is None or np.size(added) != np.prod(shape):
      raise InputError(
        f'the layer {layer!r} must have a bias for what channels that are cut'
        f' still give it, but has none: add one, or {_INSTEAD}'
      )
    added = np.reshape(added, shape)
    for k, mask in plan.kept.get(bias, {}).items():
      added = added.take(np.flatnonzero(mask), k)
    leaves[bias] = leaves[bias] + added
  structure = jax.tree.structure(variables)
  folded = jax.tree.unflatten(structure, leaves.values())
  return folded, plan._replace(added={})


def _check(
  module: Any, run: Any, example: Sequence[Any], named: Mapping[str, Any]
) -> None:
  """Refuses a module that answers otherwise than its cut program."""
  apply, variables = models.module_apply(module)
  # A layer that starts as 0 would hide all before it.
  variables = jax.tree.map(_uneven, variables)
  args, kwargs = jax.tree.map(_filled, (tuple(example), dict(named)))
  wanted = jax.jit(lambda x: run(x, *args, **kwargs))(variables)
  try:
    found = jax.jit(lambda x: apply(x, *args, **kwargs))(variables)
  except Exception as e:
    said = str(e).splitlines()[0] if str(e) else repr(e)
    raise InputError(
      'a module must keep no widths of its own, but with smaller arrays'
      f' {models.culprit(e)} gives {type(e).__name__}: {said}; {_INSTEAD}'
    ) from e
  pairs = zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True)
  if not all(_close(a, b) for a, b in pairs):
    raise InputError(
      'a module must keep no widths of its own, but with smaller arrays'
      f' {type(module).__name__} answers otherwise: {_INSTEAD}'
    )


def _filled(x: Any) -> Any:
  """An array where only its shape is given."""
  if not isinstance(x, jax.ShapeDtypeStruct):
    return x
  return _uneven(jnp.zeros(x.shape, x.dtype))


def _uneven(x: Any) -> Any:
  """The same, or where all entries are the same number others nearby."""
  if (
    not jnp.issubdtype(x.dtype, jnp.floating) or not (x == x.ravel()[:1]).all()
  ):
    return x
  waves = 0.1 * jnp.cos(jnp.arange(x.size)).reshape(x.shape)
  return (x + waves).astype(x.dtype)


def _close(found: Any, wanted: Any) -> bool:
  if np.shape(found) != np.shape(wanted):
    return False
  found, wanted = (np.asarray(x) for x in (found, wanted))
  if not jnp.issubdtype(wanted.dtype, jnp.inexact):
    return bool((found == wanted).all())
  rounding = float(jnp.finfo(wanted.dtype).eps) ** 0.5
  apart = np.abs(found - wanted).max(initial=0)
  return bool(apart <= rounding * np.abs(wanted).max(initial=0))
