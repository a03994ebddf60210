"""What `prunax shrink` does: cuts the channels of a file's model."""

import os
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from prunax import codec, shrinking, shrunk_files, timing
from prunax.errors import InputError
from prunax.subjects import subject

# What a file of weights says of them that the cut one says too.
_KEPT = ('data', 'scale')
# What is counted and timed is of one example.
_BATCH = 1
_FREE = (0.0, 0.0)


def budget_of(text: str) -> tuple[str, float]:
  """A budget and the part of it that stays.

  >>> budget_of('flops=0.5')
  ('flops', 0.5)
  """
  name, _, part = text.partition('=')
  try:
    density = float(part)
  except ValueError:
    density = -1.0
  if not (name and 0 < density <= 1):
    raise InputError(
      'a budget must be a name and a part above 0, 1 at most, as flops=0.5, got'
      f' {text!r:.80}: mend it'
    )
  return name, density


def shrink(
  path: str,
  out: str,
  budget: str | None = None,
  score: str = 'l2',
  scope: str = 'global',
  round_to: int = 1,
  model_name: str | None = None,
  max_bytes: int = codec.MOST_BYTES,
  latency: bool = False,
) -> dict[str, Any]:
  """Writes the cut model of a file or run folder, and tells what is left.

  Args:
    path: the file or run folder.
    out: the `.npz`, `.safetensors` or `.prx` to write.
    budget: what stays of what, as `flops=0.5`; None cuts only what is dead.
    score: by which channels are chosen.
    scope: 'global' or 'layer'.
    round_to: groups keep a multiple of it.
    model_name: the model, if the file does not record it and fits none.
    max_bytes: how large the arrays of a `.prx` may be in all.
    latency: whether both models are timed.
  """
  given = subject(path, model_name, max_bytes)
  settings = _settings(budget, score, scope, round_to)
  example = jax.ShapeDtypeStruct((_BATCH, *given.model.input_shape), np.float32)
  small = shrinking.shrink(given.apply, given.variables, example, **settings)
  measured = {}
  if latency:
    measured['latency'] = {
      'before': _timed(given.apply, given.variables, example),
      'after': _timed(small.apply, small.variables, example),
    }
  meta = {k: v for k, v in given.meta.items() if k in _KEPT}
  meta['model'] = given.model.name
  shrunk_files.save_shrunk(out, small.variables, small.report.plan, meta)
  return {**_told(small.report), **measured, 'bytes': os.path.getsize(out)}


def _settings(
  budget: str | None, score: str, scope: str, round_to: int
) -> dict[str, Any]:
  """What chooses the channels, nothing where only the dead ones go."""
  if budget is not None:
    name, density = budget_of(budget)
    return {
      'budget': name,
      'density': density,
      'score': score,
      'scope': scope,
      'round_to': round_to,
    }
  if (score, scope, round_to) != ('l2', 'global', 1):
    raise InputError(
      'a budget must be given where a score, a scope or a rounding is, got'
      ' none: add --budget flops=0.5, say'
    )
  return {}


def _told(report: shrinking.Report) -> dict[str, Any]:
  """The report as plain data."""
  return {
    'groups': [
      {
        'name': g.id,
        'size': g.size,
        'kept': report.kept[g.id],
        'prunable': g.prunable,
        'why': g.why,
        'stayed': report.stayed.get(g.id, 0),
      }
      for g in report.groups
    ],
    'leaves': _leaves(report.layers),
    'batch': _BATCH,
    'before': report.before,
    'after': report.after,
    'prr': report.prr,
    'frr': report.frr,
  }


def _leaves(
  costs: Mapping[str, Mapping[str, tuple[float, float]]],
) -> list[dict[str, Any]]:
  """One row a leaf, and one without a name for products that have none."""
  ways = [costs['bytes'], *costs.values()]
  names = dict.fromkeys(name for way in ways for name in way)
  return [
    {
      'name': name,
      **{
        when: {what: way.get(name, _FREE)[i] for what, way in costs.items()}
        for i, when in enumerate(('before', 'after'))
      },
    }
    for name in names
  ]


def _timed(
  apply: Callable[..., Any], variables: Any, example: Any
) -> dict[str, Any]:
  return timing.latency(apply, variables, example)._asdict()
