"""Weights that become powers of two, portion by portion."""

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from prunax import tree
from prunax.errors import InputError
from prunax.ops import levels, partition
from prunax.schedules.numbers import number, truth, whole
from prunax.transforms import layers
from prunax.transforms.per_leaf import need_finite, need_floats, weight_values

EXPONENTS = ('first', 'each')

# Lower than the exponent of any number: no range has been found yet.
NONE_YET = -(2**15)


class INQState(NamedTuple):
  """What incremental quantization remembers.

  Attributes:
    count: steps done.
    mask: which weights are alive, like params, as at `init`.
    free: which of them are still trained, like params.
    highest: n1, the exponent of the largest power, of each quantized leaf by
      name.
  """

  count: Any
  mask: Any
  free: Any
  highest: dict[str, jax.Array]


class Settings(NamedTuple):
  """What `inq` and `quantize` are told, in their own words."""

  rules: tree.Rules
  portions: Sequence[float]
  zero_cut: str
  biases: bool
  exponents: str


class _Leaf(NamedTuple):
  """A leaf to be quantized: its place, its name, and K, how many exponents."""

  place: int
  name: str
  exponents: int


def check(settings: Settings) -> None:
  """Refuses settings that would fail later, or worse, would not."""
  tree.check_rules(settings.rules)
  for pattern, value in settings.rules:
    if value is not None:
      whole(f'the number of exponents of the rule {pattern!r}', value, 1)
  for name, got, known in (
    ('zero_cut', settings.zero_cut, levels.ZERO_CUTS),
    ('exponents', settings.exponents, EXPONENTS),
  ):
    if got not in known:
      raise InputError(
        f'{name} must be one of {", ".join(known)}, got {got!r}: name one'
      )
  truth('biases', settings.biases)
  portions = settings.portions
  if not isinstance(portions, (tuple, list)) or not portions:
    raise InputError(
      f'portions must be a list of numbers, got {portions!r}: give'
      ' (0.3, 0.6, 0.8, 1.0), say'
    )
  numbers = [number('each of the portions', p) for p in portions]
  rising = all(a < b for a, b in itertools.pairwise(numbers))
  if not (rising and numbers[0] > 0 and numbers[-1] <= 1):
    raise InputError(
      f'portions must rise from above 0 to at most 1, got {portions!r}: give'
      ' the accumulated ones'
    )


def _leaves(params: Any, settings: Settings) -> list[_Leaf]:
  values = weight_values(settings.rules, params)
  pairs = zip(values, jax.tree.leaves(params), strict=True)
  return [
    _Leaf(i, name, count)
    for i, ((name, count), x) in enumerate(pairs)
    if count is not None and (settings.biases or tree.is_kernel(x))
  ]


def start(params: Any, settings: Settings, method: str) -> INQState:
  """All that is alive is free, and no range is known.

  Args:
    params: the weights.
    settings: which of them are quantized.
    method: what an error calls the one that asks.
  """
  ruled, values = _leaves(params, settings), jax.tree.leaves(params)
  for leaf in ruled:
    need_floats(values[leaf.place], method, leaf.name)
    need_finite(values[leaf.place], method, leaf.name)
  mask = layers.starting_mask_tree(params)
  return INQState(
    count=jnp.zeros((), jnp.int32),
    mask=mask,
    # Buffers of its own, since the caller may donate the state.
    free=jax.tree.map(lambda m: jnp.array(m, copy=True), mask),
    highest={leaf.name: jnp.int32(NONE_YET) for leaf in ruled},
  )


def _highest(
  x: jax.Array, chosen: jax.Array, known: jax.Array, exponents: str
) -> jax.Array:
  """n1 of a leaf: of its first portion, or of the leaf as it is now."""
  largest = jnp.max(jnp.abs(x), initial=0)
  fresh = jnp.any(chosen) & (largest > 0)
  if exponents == 'first':
    fresh &= known == NONE_YET
  # Of the largest numbers of a type, the next power is beyond it.
  most = jnp.finfo(x.dtype).maxexp - 1
  n1 = jnp.minimum(levels.exponent(largest), most)
  return jnp.where(fresh, n1, known)


def quantize_portion(
  params: Any, state: INQState, portion: jax.Array | int, settings: Settings
) -> tuple[Any, INQState]:
  """The weights once that portion is quantized, and what is free then."""
  values, structure = jax.tree.flatten(params)
  masks, free = jax.tree.leaves(state.mask), jax.tree.leaves(state.free)
  highest = dict(state.highest)
  for i, name, count in _leaves(params, settings):
    alive = jnp.sum(masks[i], dtype=jnp.int32)
    left = [partition.left_free(alive, p) for p in settings.portions]
    chosen = partition.largest_free(
      values[i], free[i], jnp.stack(left)[portion]
    )
    n1 = _highest(values[i], chosen, highest[name], settings.exponents)
    powers = levels.powers_of_two(values[i], n1, count, settings.zero_cut)
    values[i] = jnp.where(chosen, powers, values[i])
    free[i], highest[name] = free[i] & ~chosen, n1
  after = state._replace(
    free=jax.tree.unflatten(structure, free), highest=highest
  )
  return jax.tree.unflatten(structure, values), after


def quantize(
  params: Any,
  rules: tree.Rules,
  portions: Sequence[float] = (1.0,),
  *,
  zero_cut: str = 'paper',
  biases: bool = False,
  exponents: str = 'first',
) -> tuple[Any, INQState]:
  """The weights as powers of two at once, without retraining.

  >>> params = {'ip': {'kernel': jnp.array([[0.9, -0.3, 0.0, 0.01]])}}
  >>> weights, state = quantize(params, [('.*', 7)])
  >>> weights['ip']['kernel'].tolist()
  [[1.0, -0.25, 0.0, 0.015625]]
  >>> int(state.highest['ip/kernel'])
  0

  Args:
    params: the weights.
    rules: as for `inq`, and so are the other arguments.
    portions: the accumulated portions, one after the other; the last may be
      below 1.
    zero_cut: where zero begins.
    biases: whether ruled leaves that are no kernels are quantized too.
    exponents: whether later portions have the range of the first.

  Returns:
    The weights, and what is free of them, as `inq` remembers it.
  """
  settings = Settings(rules, portions, zero_cut, biases, exponents)
  check(settings)
  state = start(params, settings, 'quantize')
  for n in range(len(portions)):
    params, state = quantize_portion(params, state, n, settings)
  return params, state
