"""What a search found: as plain numbers for the record, and as a sentence."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from prunax import transforms
from prunax.ops import masks
from prunax.search.candidates import Plan
from prunax.search.settings import Settings
from prunax.search.thresholds import Found


def sentence(record: Mapping[str, Any]) -> str:
  """What the log says of a search."""
  step, ratio = record['step'], record['ratio']
  if not record['evaluations']:
    return f'no search before step {step}: fewer than two layers were drawn'
  if record['feasible']:
    return (
      f'the search before step {step} found compression {ratio:.1f}x at'
      f' accuracy {record["accuracy"]:.4f} (at least {record["floor"]:.4f})'
    )
  nearest = record['nearest']
  then = (
    'its masks are taken as in the release'
    if record['redrawn']
    else f'the masks stay at {ratio:.1f}x'
  )
  found = (
    f'the search before step {step} must stay within {record["delta"]:g} of the'
    f' accuracy {record["reference"]:.4f}, and the best found, at'
    f' {nearest["ratio"]:.1f}x,'
  )
  if nearest['emptied']:
    return f'{found} empties a layer: {then}; lower `upper`, or allow_empty'
  # Rounded up, so that what is advised is enough.
  enough = math.ceil(1e4 * nearest['delta']) / 1e4
  return (
    f'{found} loses {nearest["delta"]:.4f}: {then}; a delta of {enough:.4f}'
    ' would let it pass, or more training between searches'
  )


def _size(params: Any, plan: Plan) -> int:
  leaves = jax.tree.leaves(params)
  return sum(leaves[i].size for places in plan.layers for i in places)


def _left(params: Any, plan: Plan, evaluations: int) -> dict[str, Any]:
  """How many times fewer entries of the ruled layers are alive."""
  leaves = jax.tree.leaves(params)
  alive = sum(
    int(jnp.sum(leaves[i] != 0)) for places in plan.layers for i in places
  )
  return {
    'ratio': _size(params, plan) / max(alive, 1),
    'alive': alive,
    'evaluations': evaluations,
  }


def skipped(params: Any, plan: Plan) -> dict[str, Any]:
  """The record where a search was due, but there was none."""
  return _left(params, plan, 0)


def searched(
  found: Found,
  state: transforms.DNSState,
  params: Any,
  names: Sequence[str],
  reference: float,
  wanted: Settings,
  plan: Plan,
) -> dict[str, Any]:
  """A search as plain numbers: the thresholds are those from now on.

  Args:
    found: what it gave.
    state: of `dns`, with what it gave.
    params: the weights under its masks.
    names: of the layers that it could move.
    reference: the accuracy that it was measured against.
    wanted: its settings.
    plan: of all searches.
  """
  said = _left(params, plan, plan.evaluations)
  rates = {name: float(state.c_rate[name]) for name in names}
  said |= {
    'feasible': bool(found.best.feasible),
    'accuracy': float(found.best.accuracy),
    'reference': reference,
    'floor': reference - wanted.delta,
    'delta': wanted.delta,
    'redrawn': bool(found.best.feasible) or wanted.compat,
    'threshold': {
      name: float(masks.threshold(*state.moments[name], rate))
      for name, rate in rates.items()
    },
    'c_rate': rates,
  }
  if not said['feasible']:
    said['nearest'] = {
      'ratio': _size(params, plan) / max(int(found.best.alive), 1),
      'delta': reference - float(found.best.accuracy),
      'emptied': bool(found.best.emptied),
      'c_rate': dict(zip(names, map(float, found.nearest), strict=True)),
    }
  return said
