"""Trained weight sharing: members of a cluster move as one."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from prunax import tree
from prunax.errors import InputError
from prunax.ops.wide import widened
from prunax.schedules.numbers import truth, whole
from prunax.transforms.per_leaf import need_finite, weight_values
from prunax.transforms.placing import placed_by_compiler


class TieState(NamedTuple):
  """Which weights are tied.

  Attributes:
    labels: like params, the number of each weight's cluster, from 1 in the
      order of their values, 0 for a weight that is zero; a zero for each free
      leaf.
  """

  labels: Any


def _labels(x: jax.Array) -> jax.Array:
  """The rank of each weight among the distinct ones that are not 0."""
  flat = jnp.ravel(x)
  order = jnp.argsort(flat)
  ordered = flat[order]
  differs = jnp.append(True, ordered[1:] != ordered[:-1])
  rank = jnp.cumsum(differs & (ordered != 0), dtype=jnp.int32)
  ranks = jnp.zeros(flat.shape, jnp.int32).at[order].set(rank)
  return jnp.where(flat == 0, 0, ranks).reshape(x.shape)


def _check_number(name: str, labels: jax.Array, most: int) -> None:
  """Refuses too many clusters, where they can be counted already."""
  if isinstance(labels, jax.core.Tracer):
    return
  found = int(jnp.max(labels, initial=0))
  if found > most:
    raise InputError(
      f'a tied leaf must have at most {most} distinct weights that are not 0,'
      f' got {found} in {name!r}: share its weights first, allow more or give'
      ' it None'
    )


def _tied(
  g: jax.Array, labels: jax.Array, most: int, average: bool
) -> jax.Array:
  """The gradient of its cluster for each weight, 0 where labels are 0."""
  wide = widened(g)
  # A leaf has no more clusters than entries, whatever its rule allows.
  most = min(most, labels.size)
  empty = jnp.zeros(most + 1, wide.dtype)
  of_cluster = empty.at[labels].add(wide)
  if average:
    members = empty.at[labels].add(1)
    of_cluster = of_cluster / jnp.maximum(members, 1)
  # What was traced could not be counted: a cluster too many is not hidden.
  of_cluster = jnp.where(jnp.max(labels, initial=0) > most, jnp.nan, of_cluster)
  return jnp.where(labels == 0, 0, of_cluster[labels]).astype(g.dtype)


def tie(
  rules: tree.Rules, *, average: bool = False
) -> optax.GradientTransformation:
  """Trains shared weights as one: comes first in a chain.

  Han, Mao and Dally (2016), section 3.3: the gradient of a level is the sum of
  those of its members. Weights of one leaf that are equal when `init` sees
  them are a cluster, and each gets the cluster's gradient, so that under an
  optimizer which treats equal weights with equal gradients alike they stay
  equal. What is zero then has the gradient zero.

  >>> params = {'ip': {'kernel': jnp.array([[2.0, 2.0], [0.0, 5.0]])}}
  >>> tx = optax.chain(tie([('.*', 16)]), optax.sgd(1.0))
  >>> grads = {'ip': {'kernel': jnp.array([[0.25, 0.5], [7.0, 1.0]])}}
  >>> updates, state = tx.update(grads, tx.init(params), params)
  >>> optax.apply_updates(params, updates)['ip']['kernel'].tolist()
  [[1.25, 1.25], [0.0, 4.0]]

  Args:
    rules: ordered path rules whose values are the most clusters that a leaf
      may have, or None to leave it free.
    average: the mean of the members' gradients in place of the sum, as the
      code that was published with demonstrations has it.

  Raises:
    InputError: from `init`, if a leaf has more clusters. Under `jax.jit`, where
      they cannot be counted, its updates are NaN instead.
  """
  truth('average', average)
  tree.check_rules(rules)
  for pattern, value in rules:
    if value is not None:
      whole(f'the clusters of the rule {pattern!r}', value, 1)

  def init_fn(params: Any) -> TieState:
    leaves, structure = jax.tree.flatten(params)
    found = []
    for x, (name, most) in zip(
      leaves, weight_values(rules, params), strict=True
    ):
      if most is None:
        found.append(jnp.zeros((), jnp.int32))
      else:
        need_finite(x, 'tie', name)
        found.append(placed_by_compiler(_labels, x))
        _check_number(name, found[-1], most)
    return TieState(jax.tree.unflatten(structure, found))

  def update_fn(
    updates: optax.Updates, state: TieState, params: Any = None
  ) -> tuple[optax.Updates, TieState]:
    del params
    leaves, structure = jax.tree.flatten(updates)
    labels = jax.tree.leaves(state.labels)
    values = [value for _, value in weight_values(rules, updates)]
    tied = [
      g
      if most is None
      else placed_by_compiler(
        functools.partial(_tied, most=most, average=average), g, at
      )
      for g, at, most in zip(leaves, labels, values, strict=True)
    ]
    return jax.tree.unflatten(structure, tied), state

  return optax.GradientTransformation(init_fn, update_fn)
