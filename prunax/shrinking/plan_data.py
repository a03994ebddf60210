"""A plan as plain data that JSON can hold, and back."""

import base64
import math
from typing import Any

import numpy as np

from prunax.errors import InputError
from prunax.shrinking.plan import Masks, Plan

VERSION = 1


def plan_data(plan: Plan) -> dict[str, Any]:
  """The plan in lists, numbers and strings, and those of the cuts before it.

  Masks are bits in hexadecimal digits, the first position highest.
  """
  *earlier, last = map(_data, plan.chain())
  told = {'version': VERSION, **last}
  return {**told, 'before': earlier} if earlier else told


def _data(plan: Plan) -> dict[str, Any]:
  zeroed = {'zeroed': _bits(plan.zeroed)} if plan.zeroed else {}
  return {
    'shapes': {name: list(shape) for name, shape in plan.shapes.items()},
    'kept': _bits(plan.kept),
    **zeroed,
    'summed': sorted([name, k] for name, k in plan.summed),
    'added': {
      mark: {
        'dtype': str(x.dtype),
        'shape': list(x.shape),
        'bytes': base64.b64encode(np.ascontiguousarray(x).tobytes()).decode(),
      }
      for mark, x in plan.added.items()
    },
  }


def _bits(masks: Masks) -> dict[str, dict[str, str]]:
  return {
    name: {
      str(k): np.packbits(mask).tobytes().hex() for k, mask in axes.items()
    }
    for name, axes in masks.items()
  }


def plan_from(data: Any, where: str) -> Plan:
  """The plan that `plan_data` told.

  Args:
    data: what it gave.
    where: the file, which an error names.
  """
  version = data.get('version') if isinstance(data, dict) else None
  if version != VERSION:
    raise InputError(
      f'{where} must hold a plan of version {VERSION}, got {version!r}: write'
      ' it with this prunax, or read it with a newer one'
    )
  try:
    earlier = [_plan(one) for one in data.get('before', [])]
    return _chained([*earlier, _plan(data)])
  except (KeyError, ValueError, TypeError, AttributeError, IndexError) as e:
    raise InputError(
      f'{where} must hold a whole plan, but {type(e).__name__}: {e}; write it'
      ' again'
    ) from None


def _chained(plans: list[Plan]) -> Plan:
  """The last plan, with those before it."""
  first, *rest = plans
  for plan in rest:
    if first.left() != plan.shapes:
      raise ValueError('a cut leaves other shapes than the next one finds')
    first = plan._replace(before=first)
  return first


def _plan(data: Any) -> Plan:
  shapes = {name: tuple(map(int, s)) for name, s in data['shapes'].items()}
  kept, zeroed = (
    {
      name: {
        int(k): _mask(bits, shapes[name][int(k)]) for k, bits in axes.items()
      }
      for name, axes in masks.items()
    }
    for masks in (data['kept'], data.get('zeroed', {}))
  )
  summed = frozenset((str(name), int(k)) for name, k in data['summed'])
  added = {mark: _array(x) for mark, x in data['added'].items()}
  return Plan(shapes, kept, summed, added, zeroed)


def _mask(bits: str, n: int) -> np.ndarray:
  packed = np.frombuffer(bytes.fromhex(bits), np.uint8)
  if len(packed) != -(-n // 8):
    raise ValueError(f'a mask of {n} positions has {len(packed)} bytes')
  return np.unpackbits(packed)[:n].astype(bool)


def _array(told: dict[str, Any]) -> np.ndarray:
  dtype, shape = np.dtype(told['dtype']), tuple(map(int, told['shape']))
  raw = base64.b64decode(told['bytes'], validate=True)
  if dtype.hasobject or len(raw) != dtype.itemsize * math.prod(shape):
    raise ValueError(f'an array of {dtype} {shape} has {len(raw)} bytes')
  return np.frombuffer(raw, dtype).reshape(shape)
