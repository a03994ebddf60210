"""Incremental network quantization."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import optax

from prunax import tree
from prunax.errors import InputError
from prunax.schedules.numbers import whole
from prunax.transforms import layers, powers
from prunax.transforms.powers import INQState


def inq(
  rules: tree.Rules,
  *,
  every: int,
  portions: Sequence[float] = (0.3, 0.6, 0.8, 1.0),
  zero_cut: str = 'paper',
  biases: bool = False,
  exponents: str = 'first',
) -> optax.GradientTransformation:
  """Incremental network quantization (Zhou et al., ICLR 2017): last in a chain.

  At step n * `every` the largest weights of each leaf become powers of two,
  until the accumulated portion n of those that were alive at `init` is
  quantized; from then on they stand still, bit for bit, and the rest is
  trained. Zeros stay zeros, so a pruned network needs no conversion. After the
  last portion every weight of a ruled kernel is 0 or a power of two, and with
  `biases` those of all ruled leaves are.

  The momentum of a quantized weight is gone where it counts: the optimizer
  before may keep a velocity for it, but none of it reaches the weight.

  >>> tx = optax.chain(
  ...   optax.sgd(0.5), inq([('.*', 3)], every=1, portions=(0.5, 1.0))
  ... )
  >>> params = {'ip': {'kernel': jnp.array([[0.9, 0.4]])}}
  >>> state = tx.init(params)
  >>> for _ in range(2):
  ...   updates, state = tx.update(params, state, params)
  ...   params = optax.apply_updates(params, updates)
  ...   print([round(float(w), 4) for w in params['ip']['kernel'][0]])
  [1.0, 0.2]
  [1.0, 0.25]

  Args:
    rules: ordered path rules whose values are K, how many exponents the powers
      of a leaf have (7 of each sign and a zero are 4 bits), or None for leaves
      that are trained only.
    every: steps from one portion to the next.
    portions: the accumulated portions, rising to 1.
    zero_cut: 'paper' has zeros below 0.5 * 2^n2, n2 the lowest exponent; 'seed'
      below 0.75 * 2^n2.
    biases: whether ruled leaves that are no kernels are quantized too.
    exponents: 'first' keeps the range of a leaf's first portion, so that it has
      K exponents in all; what outgrows it becomes the highest power. 'each'
      takes it anew from the whole leaf at each portion.
  """
  settings = powers.Settings(rules, portions, zero_cut, biases, exponents)
  powers.check(settings)
  whole('every', every, 1)
  if portions[-1] != 1:
    raise InputError(
      f'portions must end at 1, got {portions!r}: add it, since training'
      ' leaves all ruled weights quantized'
    )

  def init_fn(params: Any) -> INQState:
    return powers.start(params, settings, 'inq')

  def update_fn(
    updates: optax.Updates, state: INQState, params: Any = None
  ) -> tuple[optax.Updates, INQState]:
    layers.need_params(params, 'inq')
    portion = state.count // every
    weights, after = jax.lax.cond(
      (state.count % every == 0) & (portion < len(portions)),
      # The weights as they are, not as updated: their steps are then exact.
      lambda: powers.quantize_portion(params, state, portion, settings),
      lambda: (params, state),
    )
    new_updates = jax.tree.map(
      lambda p, w, m, u: jnp.where(m, u, w - p).astype(p.dtype),
      params,
      weights,
      after.free,
      updates,
    )
    return new_updates, after._replace(count=optax.safe_increment(state.count))

  return optax.GradientTransformation(init_fn, update_fn)


def highest_exponents(state: Any) -> dict[str, int]:
  """n1 of each quantized leaf, in any state that holds one of `inq`.

  A leaf of zeros alone, which has no range yet, is left out.
  """
  found: dict[str, int] = {}
  for _, exponents in optax.tree.get_all_with_path(state, 'highest'):
    found |= {name: int(e) for name, e in exponents.items()}
  return {name: e for name, e in found.items() if e != powers.NONE_YET}
