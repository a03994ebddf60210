"""How much of a network is left, as numbers for tables."""

from collections.abc import Sequence
from typing import Any

from prunax import tree


def ratio(size: int, alive: int) -> float | None:
  """How many times fewer; None where nothing is left."""
  return size / alive if alive else None


def density(size: int, alive: int) -> float:
  """Which part is alive; all of it where there is nothing."""
  return alive / size if size else 1.0


def by_leaf(counts: Sequence[tree.LeafCount]) -> list[dict[str, Any]]:
  """One row a leaf: name, shape, size, alive, density."""
  return [
    {
      'name': leaf.name,
      'shape': list(leaf.shape),
      'size': leaf.size,
      'alive': leaf.alive,
      'density': leaf.density,
    }
    for leaf in counts
  ]


def by_layer(counts: Sequence[tree.LeafCount]) -> list[dict[str, Any]]:
  """One row a layer: its weights and biases counted together."""
  rows = []
  for layer, places in tree.layers([leaf.name for leaf in counts]).items():
    size = sum(counts[i].size for i in places)
    alive = sum(counts[i].alive for i in places)
    rows.append(
      {
        'name': layer,
        'size': size,
        'alive': alive,
        'density': density(size, alive),
      }
    )
  return rows


def total(
  counts: Sequence[tree.LeafCount], uncut: dict[str, int] | None = None
) -> dict[str, Any]:
  """Size, alive and the two ratios of a network.

  `ratio` is over all parameters, `ratio_weights` over the kernels alone.

  Args:
    counts: the leaves as they are now.
    uncut: the sizes of the leaves before anything was cut, by name, if that
      is known and differs.
  """
  size = sum(uncut.values()) if uncut else sum(leaf.size for leaf in counts)
  alive = sum(leaf.alive for leaf in counts)
  kernels = [leaf for leaf in counts if len(leaf.shape) >= 2]
  weights = sum(
    uncut.get(leaf.name, leaf.size) if uncut else leaf.size for leaf in kernels
  )
  return {
    'size': size,
    'alive': alive,
    'ratio': ratio(size, alive),
    'ratio_weights': ratio(weights, sum(leaf.alive for leaf in kernels)),
  }
