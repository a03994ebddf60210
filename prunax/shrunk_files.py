"""Cut models in files: the small arrays, and the plan that they come from."""

from collections.abc import Callable
from typing import Any

import numpy as np

from prunax import shrinking, tree, weights
from prunax.errors import InputError
from prunax.files import PathLike


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
    plan: of the report of the cut.
    meta: what else the file tells, as the model's name.
  """
  names = tree.leaf_names(variables)
  if names != list(plan.shapes):
    raise InputError(
      'variables must have the leaves of the plan, got'
      f' {", ".join(names[:4])}: save a model with its own plan'
    )
  sizes = {n: int(np.prod(s, dtype=np.int64)) for n, s in plan.shapes.items()}
  told = {**(meta or {}), 'sizes': sizes, 'plan': shrinking.plan_data(plan)}
  weights.save(path, variables, told)


def load_shrunk(
  path: PathLike, apply: Callable[..., Any]
) -> tuple[Callable[..., Any], Any, shrinking.Plan]:
  """A cut model from a file.

  Args:
    path: what `save_shrunk` wrote.
    apply: the model's own, before the cut.

  Returns:
    the cut `apply`, its variables as nested dicts, and the plan.
  """
  variables, meta, _ = weights.load(path)
  plan = plan_of(meta, path)
  if plan is None:
    raise InputError(
      f'{path} must hold a cut model, got one without a plan: load it as it is'
    )
  return shrinking.cut_apply(apply, plan), variables, plan


def plan_of(meta: dict[str, Any], path: PathLike) -> shrinking.Plan | None:
  """The plan that a file tells, if it holds a cut model."""
  if 'plan' not in meta:
    return None
  return shrinking.plan_from(meta['plan'], str(path))
