"""What a search found: as plain numbers for the record, and as a sentence."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from prunax import costs, transforms, tree
from prunax.ops import masks
from prunax.search.candidates import Plan
from prunax.search.settings import Settings
from prunax.search.thresholds import Found

# Less than one answer, more than float32 rounds an accuracy by.
SLACK = 1e-6


def sentence(record: Mapping[str, Any]) -> str:
  """What the log says of a search."""
  step = record['step']
  if not record['evaluations']:
    return f'no search before step {step}: fewer than two layers were drawn'
  if record['feasible']:
    left = record['ratio']
    what = (
      'that nothing is left' if left is None else f'compression {left:.1f}x'
    )
    return (
      f'the search before step {step} found {what} at accuracy'
      f' {record["accuracy"]:.4f} (at least {record["floor"]:.4f})'
    )
  return (
    f'the search before step {step} must stay within {record["delta"]:g} of the'
    f' accuracy {record["reference"]:.4f}, and {_missed(record)}'
  )


def _missed(record: Mapping[str, Any]) -> str:
  """How the best of a search fell short, what follows, and what would help."""
  nearest = record['nearest']
  then = (
    'its masks are taken as in the release'
    if record['redrawn']
    else f'the thresholds stay, with {_times(record["ratio"])}, and surgery'
    ' goes on with them'
  )
  if nearest['delta'] is None:
    return (
      f'no candidate has an accuracy that is a finite number: {then}; make the'
      ' accuracy function give one for pruned weights too'
    )
  found = f'the best found, with {_times(nearest["ratio"])},'
  if nearest['emptied'] and record['empty']:
    gone = ', '.join(map(repr, record['empty']))
    return (
      f'{found} does not bring back {gone}, which surgery emptied before:'
      f' {then}; search more often, lower the rate or the weight decay, or'
      ' allow_empty'
    )
  if nearest['emptied']:
    return f'{found} empties a layer: {then}; lower `upper`, or allow_empty'
  # Rounded up, so that what is advised is enough.
  enough = math.ceil(1e4 * nearest['delta']) / 1e4
  return (
    f'{found} loses {nearest["delta"]:.4f}: {then}; a delta of {enough:.4f}'
    ' would let it pass, or more training between searches'
  )


def ending(accuracy: float, floor: float | None) -> str:
  """What the log says in the end, since only searches hold the constraint.

  >>> ending(0.96, 0.95)
  'the end: accuracy 0.9600 (at least 0.9500)'
  """
  said = f'the end: accuracy {accuracy:.4f}'
  if floor is None:
    return f'{said}, and no search was made'
  if accuracy >= floor - SLACK:
    return f'{said} (at least {floor:.4f})'
  if not math.isfinite(accuracy):
    return f'{said}, where searches hold {floor:.4f}: it must be finite'
  return (
    f'{said}, below the {floor:.4f} that searches hold, since surgery and'
    ' training go on between and after them; search more often, train longer'
    ' after `until`, or give a smaller delta'
  )


def _times(ratio: float | None) -> str:
  return 'none left' if ratio is None else f'{ratio:.1f}x'


def _finite(x: Any) -> float | None:
  """A plain number, None for a NaN and infinities, which JSON does not have."""
  return float(x) if math.isfinite(x) else None


def _size(params: Any, plan: Plan) -> int:
  leaves = jax.tree.leaves(params)
  return sum(leaves[i].size for places in plan.layers for i in places)


def _empty(params: Any, plan: Plan, names: Sequence[str]) -> list[str]:
  """The layers whose last kernel weight is gone, as `judge` sees them."""
  leaves, found = jax.tree.leaves(params), []
  for name, places in zip(names, plan.layers, strict=True):
    kernels = [i for i in places if tree.is_kernel(leaves[i])] or places
    if not any(bool(jnp.any(leaves[i] != 0)) for i in kernels):
      found.append(name)
  return found


def _left(
  params: Any, plan: Plan, names: Sequence[str], evaluations: int
) -> dict[str, Any]:
  """How many times fewer entries of the ruled layers are alive."""
  leaves = jax.tree.leaves(params)
  alive = sum(
    int(jnp.sum(leaves[i] != 0)) for places in plan.layers for i in places
  )
  return {
    'ratio': costs.ratio(_size(params, plan), alive),
    'alive': alive,
    'empty': _empty(params, plan, names),
    'evaluations': evaluations,
  }


def skipped(params: Any, names: Sequence[str], plan: Plan) -> dict[str, Any]:
  """The record where a search was due, but there was none."""
  return _left(params, plan, names, 0)


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
  said = _left(params, plan, names, plan.evaluations)
  rates = {name: float(state.c_rate[name]) for name in names}
  said |= {
    'feasible': bool(found.best.feasible),
    'accuracy': _finite(found.best.accuracy),
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
      'ratio': costs.ratio(_size(params, plan), int(found.best.alive)),
      'delta': _finite(reference - float(found.best.accuracy)),
      'emptied': bool(found.best.emptied),
      'c_rate': dict(zip(names, map(float, found.nearest), strict=True)),
    }
  return said
