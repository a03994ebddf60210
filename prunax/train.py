"""Training in compiled blocks of steps, and evaluation."""

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
import optax

from prunax import tree
from prunax.errors import InputError


class Diverged(InputError):
  """The loss is no longer a finite number."""


class Examples(NamedTuple):
  """What is trained on.

  Attributes:
    x: [n, ...] all examples, as stored.
    y: [n] labels.
    scale: examples as stored -> what the model sees.
    indices: (first step, number of steps) -> [steps, batch] rows.
  """

  x: np.ndarray
  y: np.ndarray
  scale: Callable[[Any], Any]
  indices: Callable[[int, int], np.ndarray]


class Progress(NamedTuple):
  """Where a training stands after a block of steps."""

  step: int
  params: Any
  opt_state: Any
  metrics: dict[str, Any]


class Hook(NamedTuple):
  """What is done between two steps, before steps first, first + every, ...

  Attributes:
    first: the first step before which it is done.
    every: steps from one time to the next.
    until: no longer from this step on.
    act: (step, params, opt_state) -> params, opt_state and plain values for
      the record. It depends on nothing else, so a resumed run does the same.
    say: what the log says of a record.
  """

  first: int
  every: int
  until: int
  act: Callable[[int, Any, Any], tuple[Any, Any, dict[str, Any]]]
  say: Callable[[dict[str, Any]], str] = str

  def due(self, step: int) -> bool:
    """Whether it is to be done before this step."""
    late = self.first <= step < self.until
    return late and (step - self.first) % self.every == 0

  def after(self, step: int) -> int:
    """The next step after this one at which a block has to end for it.

    >>> Hook(1, 1000, 5000, None).after(1), Hook(1, 1000, 5000, None).after(0)
    (1001, 1)
    """
    if step < self.first:
      return self.first
    return step + self.every - (step - self.first) % self.every


class Apply(Protocol):
  """A model's forward pass, a pure function."""

  def __call__(
    self, variables: Any, x: jax.Array, *, train: bool, rngs: Any = None
  ) -> jax.Array: ...


def cross_entropy(logits: jax.Array, labels: jax.Array) -> jax.Array:
  """The mean softmax cross-entropy of a batch."""
  return jnp.mean(
    optax.softmax_cross_entropy_with_integer_labels(logits, labels)
  )


def block_function(
  apply: Apply,
  tx: optax.GradientTransformation,
  scale: Callable[[Any], Any],
  key: jax.Array,
) -> Callable[..., tuple[Any, Any, dict[str, Any]]]:
  """Many training steps as one compiled call.

  Returns:
    A function of params, opt_state, x, y, rows [steps, batch] and the first
    step; it gives params, opt_state and metrics, and donates the first two.
  """

  def loss_and_right(
    params: Any, x: jax.Array, y: jax.Array, step_key: jax.Array
  ) -> tuple[jax.Array, jax.Array]:
    logits = apply(params, x, train=True, rngs=step_key)
    right = jnp.sum(jnp.argmax(logits, -1) == y, dtype=jnp.int32)
    return cross_entropy(logits, y), right

  def block(
    params: Any,
    opt_state: Any,
    x: jax.Array,
    y: jax.Array,
    rows: jax.Array,
    first: jax.Array,
  ) -> tuple[Any, Any, dict[str, Any]]:
    def step(
      carry: tuple[Any, Any, jax.Array], chosen: jax.Array
    ) -> tuple[tuple[Any, Any, jax.Array], tuple[jax.Array, jax.Array]]:
      params, opt_state, t = carry
      (loss, right), grads = jax.value_and_grad(loss_and_right, has_aux=True)(
        params, scale(x[chosen]), y[chosen], jax.random.fold_in(key, t)
      )
      updates, opt_state = tx.update(grads, opt_state, params)
      params = optax.apply_updates(params, updates)
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
  names = tree.leaf_names(params)
  sizes = [leaf.size for leaf in jax.tree.leaves(params)]
  alive = [int(n) for n in raw['alive']]
  return {
    'loss': float(losses.mean()),
    'accuracy': float(raw['accuracy']),
    'density': sum(alive) / sum(sizes),
    'layers': {
      layer: sum(alive[i] for i in places) / sum(sizes[i] for i in places)
      for layer, places in tree.layers(names).items()
    },
  }


def fit(
  apply: Apply,
  tx: optax.GradientTransformation,
  examples: Examples,
  start: Progress,
  steps: int,
  block: int,
  key: jax.Array,
  hook: Hook | None = None,
) -> Iterator[Progress]:
  """Trains from `start` to `steps`, and tells where it stands every `block`.

  What the hook gives for the record is in the metrics of the block that
  follows, as `hook`.

  Blocks end at multiples of `block` whatever the start, so a resumed run
  executes what an unbroken one would have, bit for bit. The params and state
  of one `Progress` are consumed by the next.
  """
  run = block_function(apply, tx, examples.scale, key)
  x, y = jnp.asarray(examples.x), jnp.asarray(examples.y)
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
    params, opt_state, raw = run(params, opt_state, x, y, rows, jnp.int32(step))
    metrics = _read_metrics(raw, params, step)
    step += length
    yield Progress(step, params, opt_state, {**metrics, **record})


@functools.lru_cache(maxsize=8)
def _classes(
  apply: Callable[..., jax.Array], scale: Callable[[Any], Any]
) -> Callable[[Any, Any], jax.Array]:
  """The compiled forward pass, kept for the next call."""

  def classes(params: Any, x: jax.Array) -> jax.Array:
    return jnp.argmax(apply(params, scale(x), train=False), -1)

  return jax.jit(classes)


def accuracy_function(
  apply: Apply, scale: Callable[[Any], Any], batch: int = 250
) -> Callable[[Any, jax.Array, jax.Array], jax.Array]:
  """The share of right answers in evaluation mode, to be traced.

  Args:
    apply: the model's forward pass.
    scale: examples as stored -> what the model sees.
    batch: how many examples it sees at a time.

  Returns:
    A function of params, x [n, ...] and y [n]; a model that gives a NaN is
    nowhere right.
  """

  def accuracy(params: Any, x: jax.Array, y: jax.Array) -> jax.Array:
    size = min(batch, len(y))
    parts = -(-len(y) // size)
    # No class is -1: what fills the last batch is never right.
    fill = [(0, parts * size - len(y))]
    x_parts = jnp.pad(x, fill + [(0, 0)] * (x.ndim - 1)).reshape(
      parts, size, *x.shape[1:]
    )
    y_parts = jnp.pad(y, fill, constant_values=-1).reshape(parts, size)

    def right(part: tuple[jax.Array, jax.Array]) -> jax.Array:
      logits = apply(params, scale(part[0]), train=False)
      guess = jnp.where(
        jnp.any(jnp.isnan(logits), -1), -2, jnp.argmax(logits, -1)
      )
      return jnp.sum(guess == part[1], dtype=jnp.int32)

    return jnp.sum(jax.lax.map(right, (x_parts, y_parts))) / len(y)

  return accuracy


def predict(
  apply: Apply,
  params: Any,
  x: np.ndarray,
  scale: Callable[[Any], Any],
  batch: int = 250,
) -> np.ndarray:
  """The class of every example, int32 [n], in evaluation mode."""
  forward: Callable[..., jax.Array] = apply
  classes = _classes(forward, scale)
  parts = [
    np.asarray(classes(params, x[i : i + batch]))
    for i in range(0, len(x), batch)
  ]
  return np.concatenate(parts).astype(np.int32)


def score(guesses: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
  """Accuracy (0 to 1), errors and count of predictions.

  >>> score(np.array([1, 2, 3, 3]), np.array([1, 2, 3, 4]))
  {'accuracy': 0.75, 'errors': 1, 'count': 4}
  """
  errors = int(np.sum(guesses != labels))
  count = len(labels)
  return {
    'accuracy': (count - errors) / count,
    'errors': errors,
    'count': count,
  }
