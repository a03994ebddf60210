"""The order of hidden units, which no output depends on."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from prunax import tree
from prunax.errors import InputError

# A layer and the one that its units lead to.
Chain = Sequence[tuple[str, str]]


def _check(chain: Any) -> None:
  rows = chain if isinstance(chain, (tuple, list)) else [chain]
  for pair in rows:
    is_pair = isinstance(pair, (tuple, list)) and len(pair) == 2
    if not (is_pair and all(isinstance(name, str) for name in pair)):
      raise InputError(
        f'a chain must be a list of pairs of names of layers, got {pair!r}:'
        " give [('ip1', 'ip2')], say"
      )


def in_order(variables: Any, chain: Chain) -> Any:
  """The same network with the units of most weights first, layer by layer.

  A layer's units are the columns of its kernel. In the next kernel a unit is
  an equal part of the rows, all of one part side by side; in a convolution's
  it is an input channel.

  >>> a, b = np.array([[0.0, 2.0]]), np.array([[3.0], [4.0]])
  >>> net = {'a': {'kernel': a}, 'b': {'kernel': b}}
  >>> in_order(net, [('a', 'b')])['b']['kernel'].tolist()
  [[4.0], [3.0]]

  Args:
    variables: weights by layer, in kernels and biases.
    chain: pairs of layers, the first leading to the second alone.
  """
  _check(chain)
  leaves = {n: np.asarray(x) for n, x in tree.named_leaves(variables).items()}
  for layer, following in chain:
    names = [f'{layer}/kernel', f'{following}/kernel']
    for name in names:
      if name not in leaves or not tree.is_kernel(leaves[name]):
        raise InputError(
          f'the chain must name layers that have kernels, got none at {name!r}:'
          f' the leaves are {", ".join(leaves)}'
        )
    kernel, onward = (leaves[name] for name in names)
    units = kernel.shape[-1]
    inputs = onward.shape[-2]
    if inputs % units:
      raise InputError(
        f'the {inputs} inputs of {following!r} must be a multiple of the'
        f' {units} units of {layer!r}, but are not: mend the chain'
      )
    parts = onward.reshape(*onward.shape[:-2], units, -1, onward.shape[-1])
    axes = tuple(i for i in range(parts.ndim) if i != parts.ndim - 3)
    weights = np.count_nonzero(kernel, tuple(range(kernel.ndim - 1)))
    weights += np.count_nonzero(parts, axes)
    order = np.argsort(-weights, kind='stable')
    leaves[names[0]] = kernel[..., order]
    leaves[names[1]] = np.take(parts, order, -3).reshape(onward.shape)
    bias = f'{layer}/bias'
    if bias in leaves:
      leaves[bias] = leaves[bias][order]
  return jax.tree.unflatten(jax.tree.structure(variables), leaves.values())
