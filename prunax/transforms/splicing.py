"""How often pruned weights come back to life."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from prunax import tree
from prunax.transforms.layers import Layer


def no_splices(params: Any, plan: list[Layer]) -> Any:
  """A counter for each weight that a rule names, and one zero elsewhere."""
  leaves, structure = jax.tree.flatten(params)
  # One buffer each, or a donated state would give the same one twice.
  counts = [jnp.zeros((), jnp.uint16) for _ in leaves]
  for layer in plan:
    if layer.value is not None:
      for i in layer.leaves:
        counts[i] = jnp.zeros_like(leaves[i], jnp.uint16)
  return jax.tree.unflatten(structure, counts)


def splices(state: Any) -> dict[str, int]:
  """How many weights of each layer came back, in any state that holds dns's."""
  found: dict[str, int] = {}
  for _, counts in optax.tree.get_all_with_path(state, 'spliced'):
    for name, times in tree.named_leaves(counts).items():
      layer = tree.parent(name)
      came_back = int(jnp.sum(times, dtype=jnp.uint32))
      found[layer] = found.get(layer, 0) + came_back
  return found
