"""Weights made cheaper to write, and a little different, when that is asked."""

import re
from collections.abc import Sequence
from typing import Any

import jax
import ml_dtypes
import numpy as np

from prunax import tree
from prunax.errors import InputError
from prunax.ops import snapping
from prunax.schedules.numbers import from_digits

# Formats that are narrower than a float32, for the levels of `rounded`.
ROUNDINGS = ('float16', 'bfloat16')

# The leaves that a number of levels without a rule is for.
_USUAL = '(.*/)?(kernel|bias)'


def level_rules(text: str, names: Sequence[str]) -> tree.Rules:
  """Rules for numbers of levels from the text of a command line.

  >>> level_rules('conv.*=8,.*=none', ['conv1/kernel'])
  [('conv.*', 8), ('.*', None)]
  >>> level_rules('12', ['conv1/kernel', 'conv1/bias'])
  [('(.*/)?(kernel|bias)', 12), ('.*', None)]

  Args:
    text: rules, or one number for all leaves that are a kernel or a bias.
    names: of the leaves that they are for.
  """
  if text.isdecimal():
    levels = _levels(text, text)
    if not any(re.fullmatch(_USUAL, name) for name in names):
      raise InputError(
        f'levels {text} must be of leaves that are named kernel or bias, got'
        f' {", ".join(names)}: give rules on these names, such as .*={text}'
      )
    return [(_USUAL, levels), ('.*', None)]
  rules = []
  for part in text.split(','):
    pattern, equals, value = part.rpartition('=')
    if not equals:
      raise InputError(
        'levels must be a number, or rules such as conv.*=8,.*=none, got'
        f' {part!r} in {text!r}: mend it'
      )
    none = value.strip().lower() == 'none'
    rules.append((pattern.strip(), None if none else _levels(value, text)))
  return rules


def _levels(value: str, text: str) -> int:
  found = from_digits(value.strip())
  if not found:
    raise InputError(
      'a number of levels must be a whole number of at least 1, or none, got'
      f' {value!r} in {text!r}: mend it'
    )
  return found


def leveled(variables: Any, rules: tree.Rules) -> Any:
  """At most so many distinct values, besides zero, in each ruled leaf.

  They are found by exact k-means; zeros stay zeros, and nothing else becomes
  one. A leaf that has no more distinct values stays as it is.

  >>> leveled({'a': np.array([0.0, 1.0, 3.0])}, [('a', 1)])['a'].tolist()
  [0.0, 2.0, 2.0]
  """
  leaves, structure = jax.tree.flatten(variables)
  names = tree.leaf_names(variables)
  most = tree.rule_values(rules, names)
  found = [
    np.array(x) if k is None else snapping.snapped(x, k, leaf=name)
    for x, k, name in zip(leaves, most, names, strict=True)
  ]
  return jax.tree.unflatten(structure, found)


def rounded(variables: Any, to: str) -> Any:
  """Float32 leaves whose values a narrower float can hold, zeros no more.

  >>> rounded({'a': np.float32([0.1])}, 'float16')['a'].tolist()
  [0.0999755859375]
  """
  if to not in ROUNDINGS:
    raise InputError(
      f'values must be rounded to one of {", ".join(ROUNDINGS)}, got {to!r}:'
      ' name one'
    )
  narrow = np.dtype(getattr(ml_dtypes, to, None) or to)

  def narrowed(x: Any) -> np.ndarray:
    x = np.asarray(x)
    if x.dtype.newbyteorder('=') != np.float32:
      return x
    with np.errstate(over='ignore'):
      found = x.astype(narrow).astype(np.float32)
    # What would become 0 or infinite stays as it is.
    lost = ((found == 0) & (x != 0)) | (np.isinf(found) & ~np.isinf(x))
    return np.where(lost, x, found)

  return jax.tree.map(narrowed, variables)
