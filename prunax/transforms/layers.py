"""What the transforms know of a layer: its leaves and its starting masks."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from prunax import averages, tree
from prunax.errors import InputError
from prunax.transforms.per_leaf import weight_values


class Layer(NamedTuple):
  """The selected leaves under one parent path, and the value of their rule."""

  name: str
  leaves: tuple[int, ...]
  value: Any

  def pick(self, values: Sequence[Any]) -> list[Any]:
    """This layer's share of a list over all leaves."""
    return [values[i] for i in self.leaves]


def layers_of(params: Any, rules: tree.Rules) -> list[Layer]:
  """The layers of a tree under path rules; a rule's value None is a value.

  Raises:
    InputError: if a rule matches nothing, or leaves of one layer have
      different values other than None.
  """
  pairs = weight_values(rules, params)
  names, values = [n for n, _ in pairs], [v for _, v in pairs]
  found = []
  for parent, places in tree.layers(names).items():
    ruled = [i for i in places if values[i] is not None]
    free = [i for i in places if values[i] is None]
    if any(values[i] != values[ruled[0]] for i in ruled):
      raise InputError(
        f'the leaves of one layer must share one rule, but those of {parent!r}'
        f' have several: {", ".join(names[i] for i in ruled)}; make the rules'
        ' agree, or give the others None'
      )
    if ruled:
      found.append(Layer(parent, tuple(ruled), values[ruled[0]]))
    if free:
      found.append(Layer(parent, tuple(free), None))
  return found


def starting_masks(leaves: Sequence[jax.Array]) -> list[jax.Array]:
  """The masks with which the leaves under one parent enter a method.

  A layer whose kernel has no zero has not been pruned: it starts wholly
  alive, its zero biases too, and so does what has no kernel. Otherwise what
  is zero was pruned and stays so.
  """
  kernels = [x for x in leaves if tree.is_kernel(x)]
  zeros = sum((jnp.sum(x == 0, dtype=jnp.int32) for x in kernels), jnp.int32(0))
  return [(x != 0) | (zeros == 0) for x in leaves]


def starting_mask_tree(params: Any) -> Any:
  """The tree of `starting_masks`, whatever the rules select of a layer."""
  leaves, structure = jax.tree.flatten(params)
  masks: list[Any] = [None] * len(leaves)
  names = tree.leaf_names(params)
  average = averages.flags(names)
  for group in tree.layers(names).values():
    # A running average of 0 was not pruned, whatever is beside it.
    places = [i for i in group if not average[i]]
    started = starting_masks([leaves[i] for i in places])
    for i, mask in zip(places, started, strict=True):
      masks[i] = mask
    for i in set(group) - set(places):
      masks[i] = jnp.ones(jnp.shape(leaves[i]), bool)
  return jax.tree.unflatten(structure, masks)


def need_params(params: Any, name: str) -> None:
  """Refuses an update that was not told the weights."""
  if params is None:
    raise ValueError(
      f'{name} must see the weights, got params=None: call'
      ' tx.update(grads, state, params)'
    )


def need_optimizer(inner: Any, name: str) -> None:
  """Refuses to go around what is no optimizer."""
  parts = (getattr(inner, part, None) for part in ('init', 'update'))
  if not all(map(callable, parts)):
    raise InputError(
      f'{name} must go around an optimizer of optax, got {inner!r}: give'
      ' optax.sgd(0.1), say'
    )


def step_to(wanted: Any, params: Any) -> optax.Updates:
  """The updates that take `params` to `wanted`."""
  return jax.tree.map(lambda w, p: (w - p).astype(p.dtype), wanted, params)
