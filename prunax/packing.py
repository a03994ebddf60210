"""Weights into a small file and out of it: what `pack` and `unpack` do."""

import pathlib
from typing import Any

import jax
import ml_dtypes
import numpy as np

from prunax import codec, costs, lossy, tree, weights
from prunax.convert import Loaded
from prunax.errors import InputError
from prunax.files import PathLike

# What a file of weights says of them that a packed one says too.
_KEPT = ('model', 'data', 'scale', 'sizes', 'plan', 'sequences')

# What holds the types of ml_dtypes without loss: whole numbers, then floats.
_WIDE = tuple(np.dtype(name) for name in ('uint8', 'int8', 'float32'))


def pack(
  loaded: Loaded,
  out: PathLike,
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
    rules = lossy.level_rules(levels, tree.leaf_names(variables))
    variables = lossy.leveled(variables, rules)
  if to is not None:
    variables = lossy.rounded(variables, to)
  meta = {k: v for k, v in loaded.meta.items() if k in _KEPT}
  if meta.get('sizes') == _sizes(variables):
    # What the file tells by itself.
    del meta['sizes']
  sizes = codec.save(out, variables, meta)
  counts, values = tree.count(variables), tree.distinct(variables)
  total = costs.total(counts, loaded.meta.get('sizes'))
  changes = {'levels': levels, 'rounded': to}
  return {
    'leaves': [
      {
        'name': row['name'],
        'size': row['size'],
        'alive': row['alive'],
        'values': row['values'],
        'coding': sizes.codings[row['name']],
        'budget': sizes.leaves[row['name']]._asdict(),
      }
      for row in costs.by_leaf(counts, values)
    ],
    'header': sizes.header,
    'total': total | costs.stored(total, sizes.total),
    'lossy': {k: v for k, v in changes.items() if v is not None},
  }


def _sizes(variables: Any) -> dict[str, int]:
  return {leaf.name: leaf.size for leaf in tree.count(variables)}


def unpack(loaded: Loaded, out: PathLike) -> list[str]:
  """Writes weights to an ordinary file.

  Args:
    loaded: the weights.
    out: an `.npz`, `.safetensors` or `.caffemodel`.

  Returns:
    What was widened, a sentence a type: to other programs an `.npz` has none
    but NumPy's own.
  """
  suffix = pathlib.Path(out).suffix.lower()
  if suffix == '.caffemodel' and 'plan' in loaded.meta:
    raise InputError(
      f'a cut model must be unpacked to an .npz or .safetensors, got {out}: a'
      ' .caffemodel cannot tell what was cut'
    )
  if suffix != '.npz':
    weights.save(out, loaded.tree, loaded.meta)
    return []
  widened: dict[np.dtype, list[str]] = {}
  for name, x in tree.named_leaves(loaded.tree).items():
    if _wide(x.dtype) != x.dtype:
      widened.setdefault(x.dtype, []).append(name)
  variables = jax.tree.map(
    lambda x: x.astype(_wide(x.dtype), copy=False), loaded.tree
  )
  weights.save(out, variables, loaded.meta)
  return [
    f'{dtype} became {_wide(dtype)} in {", ".join(names)}, without loss, since'
    f' other programs cannot read {dtype} from an .npz'
    for dtype, names in widened.items()
  ]


def _wide(dtype: np.dtype) -> np.dtype:
  """The type itself, or what holds one that NumPy does not know."""
  if dtype.type is not getattr(ml_dtypes, dtype.name, None):
    return dtype
  return next(wide for wide in _WIDE if np.can_cast(dtype, wide))
