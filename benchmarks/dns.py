"""A step of surgery over the dense step, at points of its whole schedule."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from benchmarks import paired
from configs import lenet5_dns, lenet300_dns
from prunax import data, models, train, transforms
from prunax.transforms import optimizers

_EXPERIMENTS = {'lenet5': lenet5_dns, 'lenet300100': lenet300_dns}
_POINTS = 5


class Trainer:
  """A block of steps that can be run again and again from where it stopped."""

  def __init__(
    self, model: models.Model, tx: optax.GradientTransformation, steps: int
  ):
    rng = np.random.default_rng(0)
    self._x = jnp.asarray(rng.integers(0, 256, (6400, 28, 28, 1), np.uint8))
    self._y = jnp.asarray(rng.integers(0, 10, 6400, np.int32))
    rows = data.batch_indices('sequential', 6400, 64, 0, steps, 0)
    self._rows = jnp.asarray(rows)
    self._run = train.block_function(
      model.apply, tx, data.scale, jax.random.key(0)
    )
    self.params = model.init(jax.random.key(0))
    self.state = tx.init(self.params)

  def block(self) -> Any:
    """Runs the block."""
    self.params, self.state, metrics = self._run(
      self.params, self.state, self._x, self._y, self._rows, jnp.int32(0)
    )
    return metrics

  def block_after(self, step: int) -> Any:
    """Runs the block as if it came after `step` of the schedule."""
    self.state = self.state._replace(count=jnp.int32(step))
    return self.block()


def measure(rounds: int = 15) -> dict[str, Any]:
  """By model: ms a step at points of the schedule, and the mean ratio."""
  found: dict[str, Any] = {}
  for name, experiment in _EXPERIMENTS.items():
    config = experiment.get_config().surgery
    model = models.get(name)
    steps = 20 if name == 'lenet5' else 300
    make = functools.partial(optimizers.optimizer, config.optimizer.to_dict())
    dense = Trainer(model, make(), steps)
    key = jax.random.key(0)
    surgery = Trainer(model, transforms.dns(make(), config.rules, key), steps)
    points = []
    for i in range(_POINTS):
      at = config.steps * (2 * i + 1) // (2 * _POINTS)

      pair = paired.ratio(
        functools.partial(surgery.block_after, at), dense.block, rounds
      )
      points.append(
        {
          'step': at,
          'dns_ms': pair['ours_ms'] / steps,
          'dense_ms': pair['theirs_ms'] / steps,
          'ratio': pair['ratio'],
        }
      )
    ratios = [point['ratio'] for point in points]
    found[name] = {'ratio': sum(ratios) / len(ratios), 'points': points}
  return found
