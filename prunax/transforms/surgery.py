"""The settings of surgery for one layer, and the rules that draw its mask."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from prunax import tree
from prunax.errors import InputError
from prunax.ops import masks
from prunax.schedules.numbers import number, whole

Density = float | Callable[[jax.Array], jax.Array]


@dataclasses.dataclass(frozen=True)
class Surgery:
  """How a layer is pruned and spliced (Guo, Yao and Chen 2016).

  The threshold is the mean of the layer's non-zero |weights| plus `c_rate` of
  their standard deviations, taken once; a mask is drawn with probability
  (1 + gamma * iter) ** -power while iter < iter_stop. A negative `iter_stop`
  never draws one. With `density`, a number or a schedule of iter, the
  threshold is instead the one that leaves exactly that share of the layer.
  """

  c_rate: float = 3.0
  gamma: float = 1e-3
  power: float = 1.0
  iter_stop: int = 10_000
  density: Density | None = None


@dataclasses.dataclass(frozen=True)
class GaussianSurgery:
  """The re-implementation's rule: kernels only, no memory, no hysteresis.

  Pruned is what lies within `threshold` standard deviations of the mean of
  all weights of the kernel, both taken anew at each draw.
  """

  threshold: float = 0.6
  gamma: float = 1e-4
  power: float = 1.0
  iter_stop: int | None = None


LayerRule = Surgery | GaussianSurgery


def layer_rule(value: Any) -> LayerRule | None:
  """A layer's settings from a rule's value: itself, or a mapping from a config.

  >>> layer_rule({'c_rate': 2.0, 'iter_stop': 14_000}).iter_stop
  14000
  >>> layer_rule({'threshold': 1.281})
  GaussianSurgery(threshold=1.281, gamma=0.0001, power=1.0, iter_stop=None)
  """
  if value is None or isinstance(value, (Surgery, GaussianSurgery)):
    settings = value
  elif isinstance(value, Mapping):
    kind = GaussianSurgery if 'threshold' in value else Surgery
    known = [f.name for f in dataclasses.fields(kind)]
    unknown = sorted(set(value) - set(known))
    if unknown:
      raise InputError(
        f'a rule of surgery must name settings among {", ".join(known)}, got'
        f' {", ".join(unknown)}: mend the rule'
      )
    settings = kind(**value)
  else:
    raise InputError(
      'a rule of surgery must have a Surgery, a GaussianSurgery, a mapping of'
      f' their settings or None as its value, got {value!r}'
    )
  if settings is not None:
    _check(settings)
  return settings


def _check(settings: LayerRule) -> None:
  if isinstance(settings, Surgery):
    number('c_rate', settings.c_rate)
    density = settings.density
    free = density is None or callable(density)
    if not free and not 0 < number('density', density) <= 1:
      raise InputError(
        f'density must be above 0 and at most 1, got {density!r}: mend'
        f' {settings}'
      )
  else:
    number('threshold', settings.threshold, 0)
  number('gamma', settings.gamma, 0)
  number('power', settings.power, 0)
  if settings.iter_stop is not None:
    # Any whole number: a negative one leaves the layer as it is.
    whole('iter_stop', settings.iter_stop, -(2**31))


def has_c_rate(settings: LayerRule | None) -> bool:
  """Whether a c_rate decides the layer's threshold.

  >>> has_c_rate(Surgery(density=0.1)), has_c_rate(Surgery(c_rate=1.0))
  (False, True)
  """
  return isinstance(settings, Surgery) and settings.density is None


def draws_until(settings: LayerRule, steps: int | None) -> int:
  """The first iteration at which the layer's mask is no longer drawn.

  >>> draws_until(Surgery(iter_stop=14_000), steps=16_000)
  14000
  """
  stops = [s for s in (settings.iter_stop, steps) if s is not None]
  return min(stops, default=2**31 - 1)


def draw(
  settings: LayerRule,
  dense: Sequence[jax.Array],
  alive: Sequence[jax.Array],
  moments: tuple[jax.Array, jax.Array],
  c_rate: jax.Array | float,
  due: jax.Array,
  iteration: jax.Array,
  band: tuple[float, float],
  prune_bias: bool,
) -> list[jax.Array]:
  """The layer's next masks if `due`, else those it has."""
  prunable = [prune_bias or tree.is_kernel(x) for x in dense]
  low, high = band
  if isinstance(settings, GaussianSurgery):

    def window() -> list[jax.Array]:
      return [
        masks.gaussian_window(x, settings.threshold) if tree.is_kernel(x) else m
        for x, m in zip(dense, alive, strict=True)
      ]

    return jax.lax.cond(due, window, lambda: list(alive))

  if settings.density is not None:
    at = settings.density
    density = at(iteration) if callable(at) else at
    chosen = [i for i, p in enumerate(prunable) if p]
    size = sum(dense[i].size for i in chosen)

    def exact() -> list[jax.Array]:
      found = list(alive)
      count = jnp.maximum(masks.kept(density, size), 1)
      drawn = masks.exact_hysteresis(
        [dense[i] for i in chosen],
        [alive[i] for i in chosen],
        count,
        low,
        high,
      )
      for i, mask in zip(chosen, drawn, strict=True):
        found[i] = mask
      return found

    return jax.lax.cond(due, exact, lambda: list(alive))

  limit = masks.threshold(*moments, c_rate)
  # Thresholds that nothing crosses cost less than a branch.
  lower = jnp.where(due, low * limit, -1.0)
  upper = jnp.where(due, high * limit, jnp.inf)
  return [
    masks.hysteresis(x, m, lower, upper) if p else m
    for x, m, p in zip(dense, alive, prunable, strict=True)
  ]
