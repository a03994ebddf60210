"""When and how thresholds are searched, from plain values."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from prunax.errors import InputError
from prunax.schedules.numbers import number, whole

Sigma = float | Sequence[tuple[int, float]] | None


@dataclasses.dataclass(frozen=True)
class Settings:
  """When and how thresholds are searched.

  Attributes:
    every: steps from one search to the next.
    first: the step before which the first one is.
    until: no search from this step on; None is the rules' last iter_stop.
    delta: how much accuracy a search may cost, a fraction.
    search: 'ncs', 'random' or 'cma_es'.
    popsize: candidates in a generation.
    generations: generations in a search.
    restarts: searches one after the other, of which the best counts.
    sigma: the first step size, or pairs of a step and what holds from then;
      None is the search's own.
    upper: the largest c_rate; the least is `lower`.
    lower: the least c_rate.
    layers: 'all', or 'drawn' for those whose masks the method drew before
      this step, of which there must be two.
    reference: 'start', the stage's starting weights, or 'current', those
      that are being trained.
    allow_empty: whether a layer may lose its last weight.
    compat: the released code's stateful candidates; see
      `search.candidates.Plan`.
  """

  every: int
  first: int = 0
  until: int | None = None
  delta: float = 0.01
  search: str = 'ncs'
  popsize: int = 10
  generations: int = 16
  restarts: int = 1
  sigma: Sigma = 0.5
  lower: float = 0.0
  upper: float = 10.0
  layers: str = 'all'
  reference: str = 'start'
  allow_empty: bool = False
  compat: bool = False

  def __post_init__(self) -> None:
    whole('every', self.every, 1)
    whole('first', self.first)
    if number('delta', self.delta, 0) > 1:
      raise InputError(
        f'delta must be a fraction from 0 to 1, got {self.delta:g}: 0.01 is one'
        ' error more in a hundred'
      )
    for name, known in (
      ('layers', ('all', 'drawn')),
      ('reference', ('start', 'current')),
    ):
      if getattr(self, name) not in known:
        raise InputError(
          f'{name} must be {" or ".join(known)}, got {getattr(self, name)!r}:'
          ' name one of them'
        )
    if self.until is not None:
      whole('until', self.until)
    sigma_at(self.sigma, self.first)


def settings(given: Mapping[str, Any]) -> Settings:
  """The settings that a config or a call names.

  >>> settings({'every': 100, 'delta': 0.02}).search
  'ncs'
  """
  known = [field.name for field in dataclasses.fields(Settings)]
  unknown = [name for name in given if name not in known]
  if unknown or 'every' not in given:
    raise InputError(
      "a search must have the setting 'every' and may have"
      f' {", ".join(known[1:])}, got {", ".join(given) or "none"}: add what is'
      ' missing and remove the rest'
    )
  return Settings(**given)


def sigma_at(sigma: Sigma, step: int) -> float | None:
  """The step size of a search before this step.

  >>> sigma_at([(0, 5.0), (10_000, 0.5)], 9_999)
  5.0
  """
  if sigma is None or isinstance(sigma, (int, float)):
    return sigma if sigma is None else _width(sigma)
  try:
    held = [_width(v) for since, v in sigma if since <= step]
  except (TypeError, ValueError):
    raise InputError(
      'sigma must be a number above 0, or pairs of a step and such a'
      f' number, got {sigma!r}: mend it'
    ) from None
  if not held:
    raise InputError(
      f'sigma must begin at the first search, before step {step}, got'
      f' {list(sigma)}: add a pair for it'
    )
  return held[-1]


def _width(sigma: Any) -> float:
  if number('sigma', sigma, 0) == 0:
    raise InputError('sigma must be above 0, got 0: mend sigma')
  return float(sigma)
