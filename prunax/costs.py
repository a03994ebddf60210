"""How much of a network is left, as numbers for tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from prunax import averages, files, tree
from prunax.errors import InputError

# No leaf has more entries.
_MOST = 1 << 63


def ratio(size: int, alive: int) -> float | None:
  """How many times fewer; None where nothing is left."""
  return size / alive if alive else None


def by_leaf(
  counts: Sequence[tree.LeafCount],
  values: Mapping[str, int],
  taken: Mapping[str, int] | None = None,
  uncut: Mapping[str, int] | None = None,
) -> list[dict[str, Any]]:
  """One row a leaf: name, shape, size, alive, density, values, bytes.

  Of a running average, which is no weight, alive and density are None. Where
  something was cut a row has the size before as `uncut`.

  Args:
    counts: the leaves.
    values: how many different values other than zero each has, by name.
    taken: how many bytes each takes in its file, by name, or None where they
      are not known.
    uncut: the sizes before anything was cut, by name, if they are known.
  """
  found = averages.flags([leaf.name for leaf in counts])
  known = uncut or {}
  cut = any(known.get(leaf.name, 0) > leaf.size for leaf in counts)
  return [
    {
      'name': leaf.name,
      'shape': list(leaf.shape),
      'size': leaf.size,
      'alive': None if average else leaf.alive,
      'density': None if average else leaf.density,
      'values': values[leaf.name],
      'bytes': taken[leaf.name] if taken else None,
      **({'uncut': known[leaf.name]} if cut else {}),
    }
    for leaf, average in zip(counts, found, strict=True)
  ]


def by_layer(counts: Sequence[tree.LeafCount]) -> list[dict[str, Any]]:
  """One row a layer: its weights and biases counted together."""
  counts, rows = averages.weights(counts), []
  for layer, places in tree.layers([leaf.name for leaf in counts]).items():
    size = sum(counts[i].size for i in places)
    alive = sum(counts[i].alive for i in places)
    rows.append(
      {
        'name': layer,
        'size': size,
        'alive': alive,
        'density': tree.density(size, alive),
      }
    )
  return rows


def check_uncut(
  told: Any, counts: Sequence[tree.LeafCount], where: files.PathLike
) -> None:
  """Refuses what a file says of the sizes before anything was cut, if wrong.

  Args:
    told: None, or the size of each leaf by name.
    counts: the leaves as they are now.
    where: the file, which an error names.
  """
  if told is None:
    return
  sizes = {leaf.name: leaf.size for leaf in counts}
  if not isinstance(told, dict) or told.keys() != sizes.keys():
    raise InputError(
      f'{where} must tell the sizes before anything was cut of its leaves'
      f' {", ".join(sizes)}, got {told!r:.200}: mend its meta, or leave the'
      ' sizes out'
    )
  for name, size in told.items():
    whole = isinstance(size, int) and not isinstance(size, bool)
    if not (whole and sizes[name] <= size < _MOST):
      raise InputError(
        f'{where} must tell of the leaf {name!r} a whole size of at least the'
        f' {sizes[name]} that it has, got {size!r:.80}: mend its meta, or'
        ' leave the sizes out'
      )


def total(
  counts: Sequence[tree.LeafCount], uncut: dict[str, int] | None = None
) -> dict[str, Any]:
  """Size, alive and the two ratios of a network.

  `ratio` is over all parameters, `ratio_weights` over the kernels alone.
  Running averages are none, but `averages` says how many there are, if any.

  Args:
    counts: the leaves as they are now.
    uncut: the sizes of the leaves before anything was cut, by name, if that
      is known and differs.
  """
  sizes = uncut or {leaf.name: leaf.size for leaf in counts}
  found = averages.flags(list(sizes))
  kept = sum(n for n, x in zip(sizes.values(), found, strict=True) if x)
  size = sum(sizes.values()) - kept
  leaves = averages.weights(counts)
  alive = sum(leaf.alive for leaf in leaves)
  kernels = [leaf for leaf in leaves if len(leaf.shape) >= 2]
  weights = sum(sizes.get(leaf.name, leaf.size) for leaf in kernels)
  return {
    'size': size,
    'alive': alive,
    'ratio': ratio(size, alive),
    'ratio_weights': ratio(weights, sum(leaf.alive for leaf in kernels)),
    **({'averages': kept} if kept else {}),
  }


def stored(total: Mapping[str, Any], taken: int | None) -> dict[str, Any]:
  """How many bytes a compressed file takes, and how many times fewer that is.

  >>> stored({'size': 900, 'averages': 100}, 40)
  {'bytes': 40, 'ratio_bytes': 100.0}

  Args:
    total: what `total` says. Before, each parameter and each running average
      took 4 bytes.
    taken: the file's bytes, or None where it is not compressed.
  """
  entries = total['size'] + total.get('averages', 0)
  times = None if taken is None else ratio(4 * entries, taken)
  return {'bytes': taken, 'ratio_bytes': times}
