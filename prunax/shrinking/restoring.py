"""Layers that lost inputs, trained to give again what they gave."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from prunax.errors import InputError
from prunax.schedules.numbers import number, whole
from prunax.shrinking import cutting, keeping, model
from prunax.shrinking.atoms import Axes
from prunax.shrinking.evaluate import Remaining
from prunax.shrinking.groups import groups
from prunax.shrinking.model import Traced
from prunax.shrinking.onward import Onward, onward
from prunax.shrinking.plan import Plan
from prunax.shrinking.products import PRODUCTS, sums
from prunax.shrinking.readers import Run, run_of


class Layer(NamedTuple):
  """A product that lost inputs.

  Attributes:
    leaf: which of the leaves it multiplies with.
    slot: the slot of its inputs.
    way: to its output.
    weights: broadcast to the leaf, where it may change.
    outputs: broadcast to the output, where it is compared.
  """

  leaf: int
  slot: int
  way: Onward
  weights: np.ndarray
  outputs: np.ndarray


def check(steps: int = 100, rate: float = 1e-3) -> None:
  """Refuses settings that no model could be mended by."""
  whole('steps', steps, 1)
  if number('rate', rate) <= 0:
    raise InputError(f'rate must be above 0, got {rate!r}: mend it')


def reconstruct(
  apply: Callable[..., Any],
  variables: Any,
  cut: Plan | Mapping[str, Any],
  *example: Any,
  steps: int = 100,
  rate: float = 1e-3,
  **kwargs: Any,
) -> Any:
  """The masked model whose layers give again what the dense ones gave.

  Our reading of Jiang et al. 2018: layer by layer, in the order of the program,
  Adam makes the squared difference of f(y) on the example small, where y is a
  product that lost inputs, in the masked model as it is by then, and f what
  follows it up to its nonlinearity, as for `nre`. Only the layer's own weights
  that are kept move, and those of the least error stay, so no layer's error on
  the example grows, though the model's may. A layer in a loop, or one whose
  weights several products share, stays as it is.

  >>> def apply(variables, x):
  ...   return x @ variables['a'] @ variables['b']
  >>> net = {'a': np.array([[1.0, 1.0]], 'f'), 'b': np.ones((2, 1), 'f')}
  >>> cut = {'a': np.array([True, False])}
  >>> x = np.ones((1, 1), 'f')
  >>> mended = reconstruct(apply, net, cut, x, steps=100, rate=0.02)
  >>> mended['a'].tolist(), mended['b'].round(1).tolist()
  ([[1.0, 0.0]], [[2.0], [1.0]])

  Args:
    apply: a pure function of (variables, *example, **kwargs).
    variables: of the dense model, any tree of arrays.
    cut: a plan, or what `shrink` takes as `keep`.
    *example: what else it is called with; each step sees all of it.
    steps: of Adam for each layer.
    rate: its learning rate.
    **kwargs: what `apply` is called with by name.

  Returns:
    Variables of full size; the plan, or `shrink` by the same `keep`, cuts them.
  """
  check(steps, rate)
  run = run_of(apply, variables, model.call_of(example, kwargs))
  gone = _gone(run.traced, cut)
  masked = cutting.plan_of(run.traced, gone, {}).mask(variables)
  leaves, structure = jax.tree.flatten(masked)
  layers = _layers(run, gone)
  wanted = [i for x in layers for i in (x.slot, x.way.end, *x.way.others)]
  see = jax.jit(functools.partial(run.seen, wanted=wanted))
  dense = see(variables, run.arrays)
  for layer in layers:
    seen = see(jax.tree.unflatten(structure, leaves), run.arrays)
    target = dense[layer.way.end]
    leaves[layer.leaf] = _trained(run, layer, leaves, seen, target, steps, rate)
  return jax.tree.unflatten(structure, leaves)


def _gone(traced: Traced, cut: Plan | Mapping[str, Any]) -> np.ndarray:
  if isinstance(cut, Plan):
    # What stays as 0 does not move, either.
    zeroed = cutting.atoms_of(traced, cut.zeroed)
    return np.union1d(cutting.gone_by(traced, cut), zeroed)
  if not isinstance(cut, Mapping):
    raise InputError(
      f'cut must be a plan, or what stays by leaf or group, got {cut!r:.80}:'
      ' give report.plan'
    )
  return keeping.left_out(traced, groups(traced), cut)


def _layers(run: Run, gone: np.ndarray) -> list[Layer]:
  """The products that lost inputs and have weights of their own."""
  traced = run.traced
  remaining = Remaining(traced.linker, gone, {})
  used = [p.leaf for p in traced.linker.products]
  found = []
  for line in run.tape.lines:
    if line.name not in PRODUCTS or line.step.mark is None:
      continue
    name = line.step.mark.rpartition('#')[0]
    moving = [k for k in (0, 1) if line.ins[k] in run.tape.moved]
    if used.count(name) != 1 or len(moving) != 1:
      continue
    (k,) = moving
    kept = remaining.kept(line.step.ins[k])
    if all(kept[total.axes[k]].all() for total in sums(line.step.eqn)):
      continue
    leaf, way = traced.names.index(name), onward(run.tape, line)
    outputs = _alive(remaining, way.last.step.outs[0])
    weights = _alive(remaining, traced.axes[leaf])
    found.append(Layer(leaf, line.ins[k], way, weights, outputs))
  return found


def _alive(remaining: Remaining, axes: Axes) -> np.ndarray:
  """Where all axes have positions that are left, of length 1 where all are."""
  found = np.ones((1,) * len(axes), bool)
  for k, mask in enumerate(remaining.kept(axes)):
    if not mask.all():
      around = [1] * len(axes)
      around[k] = -1
      found = found & mask.reshape(around)
  return found


def _trained(
  run: Run,
  layer: Layer,
  leaves: list[Any],
  seen: Mapping[int, Any],
  target: Any,
  steps: int,
  rate: float,
) -> np.ndarray:
  """The weights of a layer after all steps."""
  tape, way = run.tape, layer.way
  tx = optax.adam(rate)

  def error(w: Any, values: Mapping[int, Any], target: Any) -> jax.Array:
    own = {**values, tape.ins[layer.leaf]: w}
    (output,) = tape.run(own, [way.end])
    size = jnp.sum(jnp.square(target) * layer.outputs)
    lost = jnp.sum(jnp.square(output - target) * layer.outputs)
    return lost / jnp.maximum(size, jnp.finfo(size.dtype).tiny)

  # By itself, since XLA has no fast gradients of convolutions in a loop.
  @jax.jit
  def step(held: Any, values: Mapping[int, Any], target: Any) -> Any:
    w, state, best, least = held
    lost, gradient = jax.value_and_grad(error)(w, values, target)
    better = lost < least
    best = jnp.where(better, w, best)
    least = jnp.where(better, lost, least)
    updates, state = tx.update(gradient * layer.weights, state, w)
    return optax.apply_updates(w, updates), state, best, least

  values = dict(zip(tape.ins, leaves, strict=False))
  values |= {i: seen[i] for i in (layer.slot, *way.others)}
  w = jnp.asarray(leaves[layer.leaf])
  held = (w, tx.init(w), w, jnp.full((), jnp.inf, target.dtype))
  # The last update's error is seen in one step more.
  for _ in range(steps + 1):
    held = step(held, values, target)
  return np.asarray(held[2])
