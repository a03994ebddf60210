"""What rules say of each leaf, also where `optax.masked` hides some."""

from typing import Any

import jax
import optax

from prunax import tree


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
