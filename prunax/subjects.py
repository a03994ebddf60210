"""Files of weights with the model that they are for."""

import os
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from prunax import codec, models, shrinking, shrunk_files, tree
from prunax.errors import InputError
from prunax.rundir import RunDir


class Subject(NamedTuple):
  """What a file holds, and the model that it is for.

  Attributes:
    variables: in float32.
    meta: what the file tells.
    model: before anything was cut.
    apply: of these variables.
    plan: what was cut, if something was.
  """

  variables: Any
  meta: dict[str, Any]
  model: models.Model
  apply: Callable[..., Any]
  plan: shrinking.Plan | None


def source(path: str) -> str:
  """The file of weights that a file or a run folder stands for."""
  if os.path.isdir(path):
    return str(RunDir(path).last_artifact())
  if not os.path.exists(path):
    raise InputError(
      f'there must be a file or a run folder {path!r}, got neither: mend the'
      ' path'
    )
  return path


def subject(
  path: str, model_name: str | None = None, max_bytes: int = codec.MOST_BYTES
) -> Subject:
  """Opens a file or run folder with its model.

  Args:
    path: the file or run folder.
    model_name: the model, if the file does not record it and its shapes fit
      none.
    max_bytes: how large the arrays of a `.prx` may be in all.
  """
  file = source(path)
  (variables, meta, _), plan = shrunk_files.read(file, max_bytes)
  name = model_name or recorded(meta, 'model', path)
  if plan is None:
    model = _model(variables, name, path)
    return Subject(_floats(variables, path), meta, model, model.apply, None)
  if name is None:
    raise InputError(
      f'the model must be said, since {path} is cut and does not record it: add'
      f' --model with one of {", ".join(models.names())}'
    )
  model = models.get(name)
  if models.shapes(model) != plan.chain()[0].shapes:
    raise InputError(
      f'{path} must be cut from the model {name!r}, but its plan is for other'
      ' shapes: name another model'
    )
  apply = shrinking.cut_apply(model.apply, plan)
  return Subject(_floats(variables, path), meta, model, apply, plan)


def recorded(meta: dict[str, Any], entry: str, path: str) -> str | None:
  """What a file says that its weights are of, if it does."""
  found = meta.get(entry)
  if found is None or isinstance(found, str):
    return found
  raise InputError(
    f'{path} must record a name as the entry {entry!r} of its meta, got'
    f' {found!r:.80}: name one with --{entry}'
  )


def _model(variables: Any, name: str | None, path: str) -> models.Model:
  if name:
    model = models.get(name)
    models.checked(model, variables, path)
    return model
  fitting = models.fitting(variables)
  known = ', '.join(models.names())
  if not fitting:
    raise InputError(
      f'{path} must fit a known model, but its leaves have the names and shapes'
      f' of none of {known}: name one with --model to see where they differ, or'
      ' register your own and say --import'
    )
  if len(fitting) > 1:
    raise InputError(
      f'the model must be said, since {path} does not record it and fits'
      f' several: add --model with one of {known}'
    )
  return fitting[0]


def _floats(variables: Any, path: str) -> Any:
  """The weights in float32, if they are finite numbers."""
  with np.errstate(over='ignore'):
    for name, x in tree.named_leaves(variables).items():
      if x.dtype.kind == 'c' or not np.isfinite(x.astype(np.float32)).all():
        raise InputError(
          f'the weights of {path} must be finite real numbers, got others in'
          f' the leaf {name!r}: take the file of an earlier step'
        )
  return jax.tree.map(lambda x: x.astype(np.float32), variables)
