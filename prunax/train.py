"""Training in compiled blocks of steps."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
import optax

from prunax import averages, tree
from prunax.augmentation import Augment
from prunax.errors import InputError
from prunax.hooks import Hook
from prunax.losses import Teaching, cross_entropy, taught_loss

# No step folds the key with this: augmentation has a stream of its own.
_AUGMENTATION = 2**31 - 1


class Diverged(InputError):
  """The loss is no longer a finite number."""


class Examples(NamedTuple):
  """What is trained on.

  Attributes:
    x: [n, ...] all examples, as stored.
    y: [n] labels.
    scale: examples as stored -> what the model sees.
    indices: (first step, number of steps) -> [steps, batch] rows.
    teaching: what a teacher says of the examples, if one does.
    augment: in the place of `scale` while training, if it is given.
  """

  x: np.ndarray
  y: np.ndarray
  scale: Callable[[Any], Any]
  indices: Callable[[int, int], np.ndarray]
  teaching: Teaching | None = None
  augment: Augment | None = None


class Progress(NamedTuple):
  """Where a training stands after a block of steps."""

  step: int
  params: Any
  opt_state: Any
  metrics: dict[str, Any]


class Apply(Protocol):
  """A model's forward pass, a pure function."""

  def __call__(
    self, variables: Any, x: jax.Array, *, train: bool, rngs: Any = None
  ) -> jax.Array: ...


class Statistics(Protocol):
  """The forward pass of training of a model that keeps running averages."""

  def __call__(
    self, variables: Any, x: jax.Array, rngs: Any = None
  ) -> tuple[jax.Array, Any]: ...


def _forward(
  apply: Apply,
  statistics: Statistics | None,
  params: Any,
  x: jax.Array,
  key: jax.Array,
) -> tuple[jax.Array, Any]:
  """The logits in training, and the params with new running averages."""
  if statistics is None:
    return apply(params, x, train=True, rngs=key), None
  still = averages.replaced(params, jax.lax.stop_gradient(params))
  return statistics(still, x, key)


def block_function(
  apply: Apply,
  tx: optax.GradientTransformation,
  scale: Callable[[Any], Any],
  key: jax.Array,
  augment: Augment | None = None,
  statistics: Statistics | None = None,
) -> Callable[..., tuple[Any, Any, dict[str, Any]]]:
  """Many training steps as one compiled call.

  With `statistics` each step, of a micro-batch too, sets the running averages,
  whatever `tx` would have made of them.

  Returns:
    A function of params, opt_state, x, y, rows [steps, batch], the first step
    and what a teacher says, if one does; it gives params, opt_state and
    metrics, and donates the first two.
  """

  def seen(x: jax.Array, t: jax.Array) -> jax.Array:
    if augment is None:
      return scale(x)
    own = jax.random.fold_in(key, _AUGMENTATION)
    return augment(jax.random.fold_in(own, t), x)

  def loss_and_right(
    params: Any,
    x: jax.Array,
    y: jax.Array,
    teaching: Teaching | None,
    step_key: jax.Array,
  ) -> tuple[jax.Array, tuple[jax.Array, Any]]:
    logits, after = _forward(apply, statistics, params, x, step_key)
    right = jnp.sum(jnp.argmax(logits, -1) == y, dtype=jnp.int32)
    if teaching is None:
      return cross_entropy(logits, y), (right, after)
    return taught_loss(logits, y, teaching), (right, after)

  def block(
    params: Any,
    opt_state: Any,
    x: jax.Array,
    y: jax.Array,
    rows: jax.Array,
    first: jax.Array,
    teaching: Teaching | None = None,
  ) -> tuple[Any, Any, dict[str, Any]]:
    def step(
      carry: tuple[Any, Any, jax.Array], chosen: jax.Array
    ) -> tuple[tuple[Any, Any, jax.Array], tuple[jax.Array, jax.Array]]:
      params, opt_state, t = carry
      with_gradients = jax.value_and_grad(loss_and_right, has_aux=True)
      (loss, (right, after)), grads = with_gradients(
        params,
        seen(x[chosen], t),
        y[chosen],
        teaching and teaching._replace(logits=teaching.logits[chosen]),
        jax.random.fold_in(key, t),
      )
      updates, opt_state = tx.update(grads, opt_state, params)
      params = optax.apply_updates(params, updates)
      if after is not None:
        params = averages.replaced(params, after)
      return (params, opt_state, t + 1), (loss, right)

    (params, opt_state, _), (losses, right) = jax.lax.scan(
      step, (params, opt_state, first), rows
    )
    finite = [jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(params)]
    metrics = {
      'losses': losses,
      'accuracy': jnp.sum(right) / rows.size,
      'finite': jnp.all(jnp.stack(finite)),
      'alive': [
        jnp.sum(leaf != 0, dtype=jnp.int32) for leaf in jax.tree.leaves(params)
      ],
    }
    return params, opt_state, metrics

  return jax.jit(block, donate_argnums=(0, 1))


def _read_metrics(
  raw: dict[str, Any], params: Any, step: int
) -> dict[str, Any]:
  """Plain numbers from a block's metrics.

  Raises:
    Diverged: naming the first step whose loss is not finite.
  """
  losses = np.asarray(raw['losses'])
  bad = np.flatnonzero(~np.isfinite(losses))
  if bad.size or not bool(raw['finite']):
    at = step + int(bad[0]) if bad.size else step + len(losses) - 1
    raise Diverged(
      f'the loss must stay finite, got a NaN or infinity at step {at}'
    )
  leaves = zip(
    tree.named_leaves(params).items(), map(int, raw['alive']), strict=True
  )
  weights = averages.weights(
    [tree.LeafCount(n, x.shape, x.size, alive) for (n, x), alive in leaves]
  )
  return {
    'loss': float(losses.mean()),
    'accuracy': float(raw['accuracy']),
    'density': _density(weights),
    'layers': {
      layer: _density([weights[i] for i in places])
      for layer, places in tree.layers([x.name for x in weights]).items()
    },
  }


def _density(counts: Sequence[tree.LeafCount]) -> float:
  return sum(x.alive for x in counts) / sum(x.size for x in counts)


def fit(
  apply: Apply,
  tx: optax.GradientTransformation,
  examples: Examples,
  start: Progress,
  steps: int,
  block: int,
  key: jax.Array,
  hook: Hook | None = None,
  statistics: Statistics | None = None,
) -> Iterator[Progress]:
  """Trains from `start` to `steps`, and tells where it stands every `block`.

  What the hook gives for the record is in the metrics of the block that
  follows, as `hook`. A model with running averages gives its `statistics`.

  Blocks end at multiples of `block` whatever the start, so a resumed run
  executes what an unbroken one would have, bit for bit. The params and state
  of one `Progress` are consumed by the next.
  """
  run = block_function(
    apply, tx, examples.scale, key, examples.augment, statistics
  )
  x, y = jnp.asarray(examples.x), jnp.asarray(examples.y)
  teaching = jax.tree.map(jnp.asarray, examples.teaching)
  step, params, opt_state, _ = start
  while step < steps:
    length = min(block - step % block, steps - step)
    record: dict[str, Any] = {}
    if hook:
      length = min(length, hook.after(step) - step)
      if hook.due(step):
        params, opt_state, said = hook.act(step, params, opt_state)
        record = {'hook': {'step': step, **said}}
    rows = jnp.asarray(examples.indices(step, length))
    params, opt_state, raw = run(
      params, opt_state, x, y, rows, jnp.int32(step), teaching
    )
    metrics = _read_metrics(raw, params, step)
    step += length
    yield Progress(step, params, opt_state, {**metrics, **record})
