"""What rules say of each leaf, also where `optax.masked` hides some."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from prunax import averages, tree
from prunax.errors import InputError


def _is_masked(node: Any) -> bool:
  return isinstance(node, optax.MaskedNode)


def leaf_values(rules: tree.Rules, params: Any) -> list[tuple[str, Any]]:
  """The name and the value by the rules of each leaf of `params`.

  What `optax.masked` hides still has a name that a rule may match, so that the
  same rules serve under any mask, but it has no place in the list.
  """
  return [(name, value) for name, value, _ in _ruled(rules, params)]


def weight_values(rules: tree.Rules, params: Any) -> list[tuple[str, Any]]:
  """As `leaf_values`, but None for running averages, which are no weights.

  >>> net = {'norm': {'mean': 0.0, 'scale': 1.0, 'var': 1.0}}
  >>> weight_values([('.*', 0.1)], net)
  [('norm/mean', None), ('norm/scale', 0.1), ('norm/var', None)]
  """
  return [
    (name, None if average else value)
    for name, value, average in _ruled(rules, params)
  ]


def _ruled(rules: tree.Rules, params: Any) -> list[tuple[str, Any, bool]]:
  """Name, value, and whether it is a running average, of each leaf."""
  paths, _ = jax.tree_util.tree_flatten_with_path(params, is_leaf=_is_masked)
  names = [tree.path_name(path) for path, _ in paths]
  values, found = tree.rule_values(rules, names), averages.flags(names)
  return [
    (name, value, average)
    for name, value, average, (_, x) in zip(
      names, values, found, paths, strict=True
    )
    if not _is_masked(x)
  ]


def need_floats(x: Any, method: str, name: str) -> None:
  """Refuses a leaf whose type knows no fractions, or more than a number."""
  dtype = jnp.result_type(x)
  if not jnp.issubdtype(dtype, jnp.floating):
    raise InputError(
      f'{method} must get real floats in its leaves, got {dtype} in {name!r}:'
      ' convert it, or give it None by a rule'
    )


def need_finite(x: Any, method: str, name: str) -> None:
  """Refuses a leaf that is not finite, where its values are known already."""
  if isinstance(x, jax.core.Tracer) or jnp.isfinite(x).all():
    return
  raise InputError(
    f'{method} must get finite weights, got others in the leaf {name!r}: take'
    ' the weights of an earlier step, or give it None by a rule'
  )
