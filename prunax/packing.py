"""Weights into a small file and out of it: what `pack` and `unpack` do."""

import os
import pathlib
from typing import Any

import jax
import ml_dtypes
import numpy as np

from prunax import codec, costs, lossy, tree, weights
from prunax.convert import Loaded

# What a file of weights says of them that a packed one says too.
_KEPT = ('model', 'data', 'sizes')


def pack(
  loaded: Loaded,
  out: str | os.PathLike[str],
  levels: str | None = None,
  to: str | None = None,
) -> dict[str, Any]:
  """Writes weights to a `.prx`, and tells where its bytes go.

  Args:
    loaded: the weights.
    out: the file.
    levels: rules as `lossy.level_rules` takes them; None for no loss.
    to: a narrower float for all float32 values; None for no loss.
  """
  variables = loaded.tree
  if levels is not None:
    variables = lossy.leveled(variables, lossy.level_rules(levels))
  if to is not None:
    variables = lossy.rounded(variables, to)
  meta = {k: v for k, v in loaded.meta.items() if k in _KEPT}
  if meta.get('sizes') == _sizes(variables):
    # What the file tells by itself.
    del meta['sizes']
  sizes = codec.save(out, variables, meta)
  counts = tree.count(variables)
  distinct = tree.distinct(variables)
  total = costs.total(counts, loaded.meta.get('sizes'))
  changes = {'levels': levels, 'rounded': to}
  return {
    'leaves': [
      {
        'name': row['name'],
        'size': row['size'],
        'alive': row['alive'],
        'distinct': row['values'],
        'coding': sizes.codings[row['name']],
        **sizes.leaves[row['name']]._asdict(),
      }
      for row in costs.by_leaf(counts, distinct)
    ],
    'header': sizes.header,
    'total': total | costs.stored(total, sizes.total),
    'lossy': {k: v for k, v in changes.items() if v is not None},
  }


def _sizes(variables: Any) -> dict[str, int]:
  return {leaf.name: leaf.size for leaf in tree.count(variables)}


def unpack(loaded: Loaded, out: str | os.PathLike[str]) -> list[str]:
  """Writes weights to an ordinary file.

  Args:
    loaded: the weights.
    out: an `.npz`, `.safetensors` or `.caffemodel`.

  Returns:
    What was widened, a sentence each: an `.npz` has no bfloat16.
  """
  variables, said = loaded.tree, []
  if pathlib.Path(out).suffix.lower() == '.npz':
    wide = [
      name
      for name, x in tree.named_leaves(variables).items()
      if x.dtype == ml_dtypes.bfloat16
    ]
    if wide:
      said.append(
        f'bfloat16 became float32 in {", ".join(wide)}, without loss, since an'
        ' .npz has no bfloat16'
      )
      variables = jax.tree.map(
        lambda x: x.astype(np.float32) if x.dtype == ml_dtypes.bfloat16 else x,
        variables,
      )
  weights.save(out, variables, loaded.meta)
  return said
