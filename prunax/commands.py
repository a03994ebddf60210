"""What the commands of `prunax` do, as functions with plain answers."""

import os
from typing import Any

from prunax import (
  codec,
  costs,
  data,
  evaluation,
  models,
  packing,
  shrunk_files,
  tree,
  weights,
)
from prunax.errors import InputError
from prunax.subjects import recorded, source, subject


def _counted(file: str, max_bytes: int) -> weights.Loaded:
  """The weights in a file whose sizes can be told."""
  loaded, _ = shrunk_files.read(file, max_bytes)
  costs.check_uncut(loaded.meta.get('sizes'), tree.count(loaded.tree), file)
  return loaded


def inspect(path: str, max_bytes: int = codec.MOST_BYTES) -> dict[str, Any]:
  """Every leaf of a file, and the total, as plain values."""
  file = source(path)
  loaded = _counted(file, max_bytes)
  # Of other files the size is that of their format, not that of the weights.
  compressed = loaded.stored is not None
  return inspected(loaded, os.path.getsize(file) if compressed else None)


def inspected(loaded: weights.Loaded, taken: int | None) -> dict[str, Any]:
  """What `inspect` tells of weights.

  Args:
    loaded: the weights.
    taken: the bytes of the compressed file that they are from, or None.
  """
  counts = tree.count(loaded.tree)
  values = tree.distinct(loaded.tree)
  uncut = loaded.meta.get('sizes')
  total = costs.total(counts, uncut)
  return {
    'leaves': costs.by_leaf(counts, values, loaded.stored, uncut),
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
  of_file = subject(path, model_name, max_bytes)
  model = of_file.model
  name, examples, scale = _examples(data_name, of_file.meta, path)
  models.check_input(model, examples.x, name)
  if examples.y.max() >= model.classes:
    raise InputError(
      f'the labels of {name} must be below the {model.classes} classes of the'
      f' model {model.name!r}, got {examples.y.max()}: name another model or'
      ' data set'
    )
  x = examples.x.reshape(len(examples.y), *model.input_shape)
  guesses = evaluation.predict(of_file.apply, of_file.variables, x, scale)
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
  loaded, _ = shrunk_files.read(source(path), max_bytes)
  widened = packing.unpack(loaded, out)
  return {'bytes': os.path.getsize(out), 'widened': widened}


def _examples(
  asked: str | None, meta: dict[str, Any], path: str
) -> tuple[str, data.Split, data.Scale]:
  """What to evaluate on, its name, and how the weights want it scaled."""
  name = asked or recorded(meta, 'data', path)
  if not name:
    raise InputError(
      f'the data set must be said, since {path} does not record it: add --data'
      ' with the name of one or a FILE.npz'
    )
  if asked and asked.lower().endswith('.npz'):
    examples, scale = data.npz.read(data.npz.find(asked)), data.scale
  else:
    dataset = data.load(name)
    examples, scale = dataset.test, dataset.scale
  if 'scale' in meta:
    scale = data.scaling.of_record(meta['scale'], path)
  elif meta.get('data') not in (None, name):
    # Weights that record their data and no scale were trained with the usual.
    scale = data.scale
  scale.check_channels(examples.x, name)
  return name, examples, scale
