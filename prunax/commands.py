"""What the commands of `prunax` do, as functions with plain answers."""

import os
from typing import Any

import jax
import numpy as np

from prunax import (
  codec,
  costs,
  data,
  evaluation,
  models,
  packing,
  tree,
  weights,
)
from prunax.errors import InputError
from prunax.rundir import RunDir


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


def _counted(file: str, max_bytes: int) -> weights.Loaded:
  """The weights in a file whose sizes can be told."""
  loaded = weights.load(file, max_bytes)
  costs.check_uncut(loaded.meta.get('sizes'), tree.count(loaded.tree), file)
  return loaded


def inspect(path: str, max_bytes: int = codec.MOST_BYTES) -> dict[str, Any]:
  """Every leaf of a file, and the total, as plain values."""
  file = source(path)
  loaded = _counted(file, max_bytes)
  # Of other files the size is that of their format, not that of the weights.
  compressed = loaded.budget is not None
  return inspected(loaded, os.path.getsize(file) if compressed else None)


def inspected(loaded: weights.Loaded, taken: int | None) -> dict[str, Any]:
  """What `inspect` tells of weights.

  Args:
    loaded: the weights.
    taken: the bytes of the compressed file that they are from, or None.
  """
  counts = tree.count(loaded.tree)
  values = tree.distinct(loaded.tree)
  total = costs.total(counts, loaded.meta.get('sizes'))
  return {
    'leaves': costs.by_leaf(counts, values, loaded.budget),
    'total': total | costs.stored(total, taken),
  }


def evaluate(
  path: str,
  model_name: str | None = None,
  data_name: str | None = None,
  max_bytes: int = codec.MOST_BYTES,
) -> dict[str, Any]:
  """How many examples of a test set a file of weights gets right.

  Args:
    path: the file or run folder.
    model_name: the model, if the file does not record it and its shapes fit
      none.
    data_name: a data set, whose test part is read, or an `.npz` of x and y,
      which is read whole; None for the test part of what the file records.
    max_bytes: how large the arrays of a `.prx` may be in all.
  """
  variables, meta, _ = weights.load(source(path), max_bytes)
  model = _model(variables, model_name or meta.get('model'), path)
  name, examples = _examples(data_name, meta.get('data'), path)
  models.check_input(model, examples.x, name)
  if examples.y.max() >= model.classes:
    raise InputError(
      f'the labels of {name} must be below the {model.classes} classes of the'
      f' model {model.name!r}, got {examples.y.max()}: name another model or'
      ' data set'
    )
  x = examples.x.reshape(len(examples.y), *model.input_shape)
  variables = _floats(variables, path)
  guesses = evaluation.predict(model.apply, variables, x, data.scale)
  return evaluation.score(guesses, examples.y)


def pack(
  path: str,
  out: str,
  levels: str | None = None,
  to: str | None = None,
  max_bytes: int = codec.MOST_BYTES,
) -> dict[str, Any]:
  """Writes what a file or run folder holds to a `.prx`."""
  file = source(path)
  lossy = levels is not None or to is not None
  if lossy and os.path.exists(out) and os.path.samefile(file, out):
    raise InputError(
      f'what is packed with a loss must not overwrite its source, got {out} for'
      ' both: write to another file'
    )
  return packing.pack(_counted(file, max_bytes), out, levels, to)


def unpack(
  path: str, out: str, max_bytes: int = codec.MOST_BYTES
) -> dict[str, Any]:
  """Writes what a file holds to an ordinary one."""
  if weights.is_packed(out):
    raise InputError(
      f'unpack must write an .npz, .safetensors or .caffemodel, got {out}: use'
      ' pack for a .prx'
    )
  widened = packing.unpack(weights.load(source(path), max_bytes), out)
  return {'bytes': os.path.getsize(out), 'widened': widened}


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
      f' of none of {known}: name one with --model to see where they differ'
    )
  if len(fitting) > 1:
    raise InputError(
      f'the model must be said, since {path} does not record it and fits'
      f' several: add --model with one of {known}'
    )
  return fitting[0]


def _examples(
  asked: str | None, recorded: str | None, path: str
) -> tuple[str, data.Split]:
  """What to evaluate on, and its name."""
  if asked and asked.lower().endswith('.npz'):
    return asked, data.npz.read(data.npz.find(asked))
  name = asked or recorded
  if not name:
    raise InputError(
      f'the data set must be said, since {path} does not record it: add --data'
      ' with mnist, digits or a FILE.npz'
    )
  return name, data.load(name).test


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
