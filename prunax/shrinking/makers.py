"""Primitives that make arrays of nothing that can be cut."""

from typing import Any

import numpy as np

from prunax.shrinking.atoms import Atoms, Axes
from prunax.shrinking.rule import RULES, Cut, Eqn, Rule


def _link(atoms: Atoms, eqn: Eqn, ins: list[Axes]) -> list[Axes]:
  """Any position may go, once all are made."""
  for axes in ins:
    for axis in axes:
      atoms.fix(axis, f'{eqn.primitive.name} reads it')
  return [
    tuple(atoms.fresh(n) for n in getattr(v.aval, 'shape', ()))
    for v in eqn.outvars
  ]


def _bind(cut: Cut, values: list[Any]) -> list[Any]:
  """What is left is what the whole program has there: dropout, too."""
  made = cut.bind(values)
  found = []
  for x, kept in zip(made, cut.outs, strict=True):
    for k, mask in enumerate(kept):
      if not mask.all():
        x = x.take(np.flatnonzero(mask), k)
    found.append(x)
  return found


RULES.update(
  dict.fromkeys(
    [
      'iota',
      'random_bits',
      'random_seed',
      'random_wrap',
      'random_unwrap',
      'random_split',
      'random_fold_in',
      'random_clone',
      'rng_bit_generator',
      'threefry2x32',
      'platform_index',
      'empty2',
    ],
    Rule(_link, _bind),
  )
)
