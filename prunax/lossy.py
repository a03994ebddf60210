"""Weights made cheaper to write, and a little different, when that is asked."""

from typing import Any

import jax
import ml_dtypes
import numpy as np

from prunax import tree
from prunax.errors import InputError
from prunax.ops import codebook

# Formats that are narrower than a float32, for the levels of `rounded`.
ROUNDINGS = ('float16', 'bfloat16')

# Of a number of levels, more than any leaf has entries.
_MOST_DIGITS = 18


def level_rules(text: str) -> tree.Rules:
  """Rules for numbers of levels from the text of a command line.

  >>> level_rules('conv.*=8,.*=none')
  [('conv.*', 8), ('.*', None)]
  >>> level_rules('12')
  [('(.*/)?(kernel|bias)', 12), ('.*', None)]
  """
  if text.isdecimal():
    return [('(.*/)?(kernel|bias)', _levels(text, text)), ('.*', None)]
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


def _whole(text: str) -> int:
  """The number that ASCII digits say, or 0 for any other text."""
  plain = text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS
  return int(text) if plain else 0


def _levels(value: str, text: str) -> int:
  if not _whole(value.strip()):
    raise InputError(
      'a number of levels must be a whole number of at least 1, or none, got'
      f' {value!r} in {text!r}: mend it'
    )
  return _whole(value.strip())


def _check_numbers(x: np.ndarray, name: str, most: int) -> None:
  """Refuses what has no order, or no mean."""
  if x.dtype.kind == 'c':
    raise InputError(
      f'the leaf {name!r} must be real to be given {most} levels, got'
      f' {x.dtype}: leave it out by a rule'
    )
  if not np.isfinite(x.astype(np.float64)).all():
    raise InputError(
      f'the leaf {name!r} must be finite to be given {most} levels, got'
      ' values that are not: leave it out by a rule, or mend it'
    )


def leveled(variables: Any, rules: tree.Rules) -> Any:
  """At most so many distinct values, besides zero, in each ruled leaf.

  They are found by exact k-means; zeros stay zeros, and nothing else becomes
  one. A leaf that has no more distinct values stays as it is.

  >>> leveled({'a': np.array([0.0, 1.0, 3.0])}, [('a', 1)])['a'].tolist()
  [0.0, 2.0, 2.0]
  """
  leaves, structure = jax.tree.flatten(variables)
  names = tree.leaf_names(variables)
  found = []
  for name, leaf, most in zip(
    names, leaves, tree.rule_values(rules, names), strict=True
  ):
    x = np.array(leaf)
    alive = x != 0
    if most is not None and alive.any():
      _check_numbers(x, name, most)
      if tree.distinct({name: x})[name] > most:
        clusters = codebook.exact(x[alive], most)
        x[alive] = codebook.kept_alive(x[alive], clusters).snapped
    found.append(x)
  return jax.tree.unflatten(structure, found)


def rounded(variables: Any, to: str) -> Any:
  """Float32 leaves whose values a narrower float can hold, zeros no more.

  >>> rounded({'a': np.float32([0.1])}, 'float16')['a'].tolist()
  [0.0999755859375]
  """
  if to not in ROUNDINGS:
    raise InputError(
      f'values must be rounded to one of {", ".join(ROUNDINGS)}, got {to!r}'
    )
  narrow = np.dtype(getattr(ml_dtypes, to, None) or to)

  def narrowed(x: Any) -> np.ndarray:
    x = np.asarray(x)
    if x.dtype != np.float32:
      return x
    with np.errstate(over='ignore'):
      found = x.astype(narrow).astype(np.float32)
    # What would become 0 or infinite stays as it is.
    lost = ((found == 0) & (x != 0)) | (np.isinf(found) & ~np.isinf(x))
    return np.where(lost, x, found)

  return jax.tree.map(narrowed, variables)
