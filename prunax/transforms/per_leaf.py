"""What rules say of each leaf, also where `optax.masked` hides some."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from prunax import tree
from prunax.errors import InputError


def _is_masked(node: Any) -> bool:
  return isinstance(node, optax.MaskedNode)


def leaf_values(rules: tree.Rules, params: Any) -> list[tuple[str, Any]]:
  """The name and the value by the rules of each leaf of `params`.

  What `optax.masked` hides still has a name that a rule may match, so that the
  same rules serve under any mask, but it has no place in the list.
  """
  paths, _ = jax.tree_util.tree_flatten_with_path(params, is_leaf=_is_masked)
  names = [tree.path_name(path) for path, _ in paths]
  matched = zip(names, tree.rule_values(rules, names), paths, strict=True)
  return [(name, v) for name, v, (_, x) in matched if not _is_masked(x)]


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
