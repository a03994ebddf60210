"""Before which steps surgery draws the masks of which layers."""

import jax
import optax

from prunax import schedules
from prunax.transforms import layers, surgery


def one_chance(
  gamma: float | None, power: float | None
) -> optax.Schedule | None:
  """The chance of one decision for the whole net, if there is to be one."""
  if gamma is None and power is None:
    return None
  return schedules.update_probability(
    1e-4 if gamma is None else gamma, 1.0 if power is None else power
  )


def due_layers(
  ruled: list[layers.Layer],
  key: jax.Array,
  iteration: jax.Array,
  whole_net: optax.Schedule | None,
  steps: int | None,
) -> list[jax.Array]:
  """Whether each layer's mask is drawn for the forward of this iteration."""
  draws = 1 if whole_net else len(ruled)
  u = jax.random.uniform(jax.random.fold_in(key, iteration), (draws,))
  due = []
  for i, layer in enumerate(ruled):
    chance = whole_net or schedules.update_probability(
      layer.value.gamma, layer.value.power
    )
    until = surgery.draws_until(layer.value, steps)
    due.append((chance(iteration) > u[i % draws]) & (iteration < until))
  return due
