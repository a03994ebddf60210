"""Cut models in files: the small arrays, and the plan that they come from."""

import pathlib
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from prunax import codec, sequences, shrinking, tree, weights
from prunax.errors import InputError
from prunax.files import PathLike

_SUFFIXES = ('.prx', '.npz', '.safetensors')


def save_shrunk(
  path: PathLike,
  variables: Any,
  plan: shrinking.Plan,
  meta: dict[str, Any] | None = None,
) -> None:
  """Writes a cut model to a file, whole or not at all.

  Args:
    path: a `.prx`, `.npz` or `.safetensors`.
    variables: the cut ones.
    plan: of the report of the cut; of the last one, where a cut model was cut
      again by its own `apply`: the file keeps those before it, too.
    meta: what else the file tells, as the model's name.
  """
  if not isinstance(plan, shrinking.Plan):
    raise InputError(
      f'plan must be that of the report of a cut, got {type(plan).__name__}:'
      ' give report.plan'
    )
  if pathlib.Path(path).suffix.lower() not in _SUFFIXES:
    raise InputError(
      f'a cut model must be saved to a {", ".join(_SUFFIXES[:-1])} or'
      f' {_SUFFIXES[-1]}, which can tell what was cut, got {path}: choose'
      ' another name'
    )
  names = tree.leaf_names(variables)
  if set(names) != set(plan.shapes):
    raise InputError(
      'variables must have the leaves of the plan, got'
      f' {", ".join(names[:4])}: save a model with its own plan'
    )
  _check_cut(variables, plan, 'variables')
  shapes = plan.chain()[0].shapes
  sizes = {n: int(np.prod(s, dtype=np.int64)) for n, s in shapes.items()}
  told = {**(meta or {}), 'sizes': sizes, 'plan': shrinking.plan_data(plan)}
  kinds = sequences.kinds(variables)
  if kinds:
    told['sequences'] = kinds
  weights.save(path, variables, told)


def load_shrunk(
  path: PathLike, apply: Callable[..., Any], like: Any = None
) -> tuple[Callable[..., Any], Any, shrinking.Plan]:
  """A cut model from a file.

  Args:
    path: what `save_shrunk` wrote.
    apply: the model's own, before any cut.
    like: a tree of the model before any cut, of arrays or their shapes, whose
      form the variables take: modules, named tuples, other keys than strings.

  Returns:
    the cut `apply`, its variables, and the plan. Without `like` the variables
    are nested dicts, lists and tuples.
  """
  variables, plan, meta = cut_weights(path)
  if like is None:
    variables = sequences.restored(variables, meta.get('sequences', {}), path)
  else:
    variables = in_form(variables, plan, like)
  return shrinking.cut_apply(apply, plan), variables, plan


def cut_weights(
  path: PathLike,
) -> tuple[dict[str, Any], shrinking.Plan, dict[str, Any]]:
  """What a file of a cut model holds: nested dicts, the plan, the meta."""
  (variables, meta, _), plan = read(path)
  if plan is None:
    raise InputError(
      f'{path} must hold a cut model, got one without a plan: load it as it is'
    )
  return variables, plan, meta


def read(
  path: PathLike, max_bytes: int = codec.MOST_BYTES
) -> tuple[weights.Loaded, shrinking.Plan | None]:
  """A file of weights, and the plan of a cut model, which they must fit."""
  loaded = weights.load(path, max_bytes)
  if 'plan' not in loaded.meta:
    return loaded, None
  plan = shrinking.plan_from(loaded.meta['plan'], str(path))
  odd = sorted(set(tree.leaf_names(loaded.tree)) ^ set(plan.shapes))
  if odd:
    raise InputError(
      f'{path} must hold the leaves of its plan, got another set, which differs'
      f' in {", ".join(odd)[:200]}: write it again'
    )
  _check_cut(loaded.tree, plan, f'the leaves of {path}')
  return loaded, plan


def _check_cut(variables: Any, plan: shrinking.Plan, what: str) -> None:
  """Refuses leaves of other shapes than a plan leaves."""
  left = plan.left()
  for name, x in tree.named_leaves(variables).items():
    if np.shape(x) != left[name]:
      raise InputError(
        f'{what} must be cut as the plan says, but {name!r} has the shape'
        f' {np.shape(x)} in place of {left[name]}: cut them by plan.cut'
      )


def in_form(variables: Any, plan: shrinking.Plan, like: Any) -> Any:
  """The variables in the form of a tree with the same names."""
  leaves = tree.named_leaves(variables)
  shapes = plan.chain()[0].shapes
  for name, x in tree.named_leaves(like).items():
    if shapes.get(name) != np.shape(x):
      raise InputError(
        'like must have the leaves of the model before the cut, but'
        f' {name!r} of the shape {np.shape(x)} is none of them: give the'
        ' arrays of that model alone'
      )
  names = tree.leaf_names(like)
  missing = [name for name in plan.shapes if name not in names]
  if missing:
    raise InputError(
      'like must have the leaves of the model before the cut, but it lacks'
      f' {", ".join(missing[:4])}: give the arrays of that model'
    )
  structure = jax.tree.structure(like)
  return jax.tree.unflatten(structure, [leaves[name] for name in names])
