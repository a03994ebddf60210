"""A learning rate from the plain values of a config."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from prunax.errors import InputError
from prunax.schedules import policies
from prunax.schedules.numbers import Schedule
from prunax.schedules.policies import at_least, restarting, warm_up

_POLICIES: dict[str, Callable[..., Schedule]] = {
  'fixed': policies.fixed,
  'step': policies.step,
  'exp': policies.exp,
  'inv': policies.inv,
  'multistep': policies.multistep,
  'poly': policies.poly,
  'sigmoid': policies.sigmoid,
  'cosine': policies.cosine,
}


def from_settings(settings: Mapping[str, Any]) -> Schedule:
  """The schedule that the plain values of a config describe.

  `policy` names one of the functions above and the other keys are its
  arguments, beside `rampup_interval` and `rampup_lr` for `warm_up` and `min_lr`
  for `at_least`, which are 0 where they are left out. With `restart` all of it
  begins anew every so many steps.

  >>> rate = from_settings({'policy': 'fixed', 'base': 0.1, 'min_lr': 0.0})
  >>> round(float(rate(7)), 4)
  0.1
  """
  if not isinstance(settings, Mapping) or 'policy' not in settings:
    raise InputError(
      f"a schedule must be a mapping with a 'policy', got {settings!r}: name"
      f' one of {", ".join(_POLICIES)}'
    )
  given = {key: value for key, value in settings.items() if key != 'policy'}
  name = str(settings['policy'])
  if name not in _POLICIES:
    raise InputError(
      f'the policy of a schedule must be known, got {name!r}: name one of'
      f' {", ".join(_POLICIES)}'
    )
  needed = list(inspect.signature(_POLICIES[name]).parameters)
  extra: dict[str, Any] = {
    'rampup_interval': 0,
    'rampup_lr': 0.0,
    'min_lr': 0.0,
    'restart': None,
  }
  if set(needed) - set(given) or set(given) - set(needed) - set(extra):
    raise InputError(
      f'the policy {name!r} must have the keys {", ".join(needed)} and may have'
      f' {", ".join(extra)}, got {", ".join(given) or "none"}: add what is'
      ' missing and remove the rest'
    )
  extra |= {key: given.pop(key) for key in extra if key in given}
  policy = warm_up(
    _POLICIES[name](**given), extra['rampup_interval'], extra['rampup_lr']
  )
  policy = at_least(policy, extra['min_lr'])
  if extra['restart'] is None:
    return policy
  return restarting(policy, extra['restart'])
