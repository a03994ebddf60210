"""Dynamic Network Surgery around an optimizer."""

from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import optax

from prunax import tree
from prunax.errors import InputError
from prunax.ops import masks
from prunax.schedules.numbers import number, whole
from prunax.transforms import layers, surgery
from prunax.transforms.due import due_layers, one_chance
from prunax.transforms.splicing import no_splices


class DNSState(NamedTuple):
  """All that surgery remembers.

  Attributes:
    count: steps done.
    key: the data of the key that decides when masks are drawn.
    moments: mean and std of each ruled layer, by name, as at `init`.
    c_rate: of each layer whose threshold it decides, by name.
    spliced: how often each weight came back to life, like params; a single
      zero where no rule names the leaf.
    mask: which weights are alive, like params.
    dense: the weights as they would be without a mask, like params.
    inner: the state of the wrapped optimizer.
  """

  count: Any
  key: jax.Array
  moments: dict[str, tuple[jax.Array, jax.Array]]
  c_rate: dict[str, jax.Array]
  spliced: Any
  mask: Any
  dense: Any
  inner: optax.OptState


def plan_of(params: Any, rules: tree.Rules) -> list[layers.Layer]:
  """The layers of `params` with the settings that the rules give them."""
  ruled = [(pattern, surgery.layer_rule(value)) for pattern, value in rules]
  return layers.layers_of(params, ruled)


def _moments(
  params: Any, mask: Any, plan: list[layers.Layer]
) -> dict[str, tuple[jax.Array, jax.Array]]:
  """Mean and std of what is alive in each ruled layer."""
  leaves, alive = jax.tree.leaves(params), jax.tree.leaves(mask)
  found = {}
  for layer in plan:
    if layer.value is not None:
      pairs = zip(layer.pick(leaves), layer.pick(alive), strict=True)
      found[layer.name] = masks.moments([jnp.where(m, x, 0) for x, m in pairs])
  return found


def _check(rules: Any, key: Any, band: Any, steps: Any) -> None:
  """Refuses arguments of `dns` that would fail later, or worse, would not."""
  pair = isinstance(band, (tuple, list)) and len(band) == 2
  if not (
    pair and 0 < number('band[0]', band[0]) <= number('band[1]', band[1])
  ):
    raise InputError(
      'band must be two numbers with 0 < band[0] <= band[1], got'
      f' {band!r}: mend band'
    )
  if not isinstance(key, jax.Array):
    raise InputError(
      f'key must be a key of jax.random, got {key!r}: give jax.random.key(0)'
    )
  if steps is not None:
    whole('steps', steps)
  tree.check_rules(rules)
  for pattern, value in rules:
    try:
      surgery.layer_rule(value)
    except InputError as e:
      raise InputError(f'the rule {pattern!r} cannot be used: {e}') from None


def _drawn(
  state: DNSState,
  dense: Any,
  ruled: list[layers.Layer],
  due: list[jax.Array],
  iteration: jax.Array,
  band: tuple[float, float],
  prune_bias: bool,
) -> tuple[Any, Any]:
  """The masks, of due layers drawn anew, and how often weights came back."""
  weights = jax.tree.leaves(dense)
  alive, structure = jax.tree.flatten(state.mask)
  spliced = jax.tree.leaves(state.spliced)
  for layer, now in zip(ruled, due, strict=True):
    before = layer.pick(alive)
    after = surgery.draw(
      layer.value,
      layer.pick(weights),
      before,
      state.moments[layer.name],
      state.c_rate.get(layer.name, 0.0),
      now,
      iteration,
      band,
      prune_bias,
    )
    for i, new, old in zip(layer.leaves, after, before, strict=True):
      alive[i] = new
      # Counted by weight: a sum in every step would cost far more.
      spliced[i] = spliced[i] + (new & ~old).astype(spliced[i].dtype)
  return (
    jax.tree.unflatten(structure, alive),
    jax.tree.unflatten(structure, spliced),
  )


def dns(
  inner: optax.GradientTransformation,
  rules: tree.Rules,
  key: chex.PRNGKey,
  *,
  prune_bias: bool = True,
  band: tuple[float, float] = (0.9, 1.1),
  surgery_iter_gamma: float | None = None,
  surgery_iter_power: float | None = None,
  steps: int | None = None,
) -> optax.GradientTransformationExtraArgs:
  """Dynamic Network Surgery (Guo, Yao and Chen, NIPS 2016).

  The optimizer `inner` trains dense weights, which this state keeps: it sees
  them as its params, so momentum and decay act on pruned weights too. The
  params of the user's loop are the dense weights under the mask, and their
  gradient reaches all of them, so what was cut wrongly grows back.

  After step t the mask for the forward of t + 1 is drawn with iter = t + 1.
  A layer whose kernel has no zero starts wholly alive, any other with the
  zeros it has; what no rule names keeps its zeros and is trained.

  >>> params = {'ip': {'kernel': jnp.array([[1.0, -0.1], [0.2, 1.2]])}}
  >>> tx = dns(
  ...   optax.sgd(0.1), [('.*', surgery.Surgery(c_rate=0.0))], jax.random.key(0)
  ... )
  >>> state = tx.init(params)
  >>> zeros = jax.tree.map(jnp.zeros_like, params)
  >>> updates, state = tx.update(zeros, state, params)
  >>> optax.apply_updates(params, updates)['ip']['kernel'].tolist()[0]
  [1.0, 0.0]

  Args:
    inner: the optimizer of the dense weights.
    rules: ordered path rules whose values are a `Surgery`, a
      `GaussianSurgery`, a mapping of their settings, or None.
    key: decides, with the step, when masks are drawn.
    prune_bias: whether a ruled layer's biases are pruned with its kernel.
    band: a weight is pruned at or below band[0] * T, spliced above
      band[1] * T.
    surgery_iter_gamma: with it or `surgery_iter_power`, one decision a step
      for the whole net, with this gamma, in place of one a layer.
    surgery_iter_power: likewise.
    steps: how many steps the training has: no mask is drawn after the last.

  Returns:
    A transformation to use like any optimizer; it needs `params` in `update`.
  """
  _check(rules, key, band, steps)
  layers.need_optimizer(inner, 'dns')
  inner = optax.with_extra_args_support(inner)
  whole_net = one_chance(surgery_iter_gamma, surgery_iter_power)
  impl = jax.random.key_impl(key)

  def init_fn(params: Any) -> DNSState:
    plan = plan_of(params, rules)
    mask = layers.starting_mask_tree(params)
    # Copies, since the caller may donate params and this state together.
    dense = jax.tree.map(lambda x: jnp.array(x, copy=True), params)
    return DNSState(
      count=jnp.zeros((), jnp.int32),
      key=jnp.array(jax.random.key_data(key), copy=True),
      moments=_moments(params, mask, plan),
      c_rate={
        layer.name: jnp.float32(layer.value.c_rate)
        for layer in plan
        if surgery.has_c_rate(layer.value)
      },
      spliced=no_splices(params, plan),
      mask=mask,
      dense=dense,
      inner=inner.init(dense),
    )

  def update_fn(
    updates: optax.Updates,
    state: DNSState,
    params: Any = None,
    **extra_args: Any,
  ) -> tuple[optax.Updates, DNSState]:
    layers.need_params(params, 'dns')
    ruled = [x for x in plan_of(params, rules) if x.value is not None]
    steps_taken, inner_state = inner.update(
      updates, state.inner, state.dense, **extra_args
    )
    dense = optax.apply_updates(state.dense, steps_taken)
    iteration = optax.safe_increment(state.count)

    draws = jax.random.wrap_key_data(state.key, impl=impl)
    due = due_layers(ruled, draws, iteration, whole_net, steps)
    mask, spliced = _drawn(
      state, dense, ruled, due, iteration, band, prune_bias
    )
    wanted = jax.tree.map(lambda m, w: jnp.where(m, w, 0), mask, dense)
    return layers.step_to(wanted, params), DNSState(
      count=iteration,
      key=state.key,
      moments=state.moments,
      c_rate=state.c_rate,
      spliced=spliced,
      mask=mask,
      dense=dense,
      inner=inner_state,
    )

  return optax.GradientTransformationExtraArgs(init_fn, update_fn)
