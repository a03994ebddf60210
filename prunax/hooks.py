"""What happens between two steps of a training."""

from collections.abc import Callable
from typing import Any, NamedTuple


class Hook(NamedTuple):
  """What is done between two steps, before steps first, first + every, ...

  Attributes:
    first: the first step before which it is done.
    every: steps from one time to the next.
    until: no longer from this step on.
    act: (step, params, opt_state) -> params, opt_state and plain values for
      the record. It depends on nothing else, so a resumed run does the same.
    say: what the log says of a record.
  """

  first: int
  every: int
  until: int
  act: Callable[[int, Any, Any], tuple[Any, Any, dict[str, Any]]]
  say: Callable[[dict[str, Any]], str] = str

  def due(self, step: int) -> bool:
    """Whether it is to be done before this step."""
    late = self.first <= step < self.until
    return late and (step - self.first) % self.every == 0

  def after(self, step: int) -> int:
    """The next step after this one at which a block has to end for it.

    >>> Hook(1, 1000, 5000, None).after(1), Hook(1, 1000, 5000, None).after(0)
    (1001, 1)
    """
    if step < self.first:
      return self.first
    return step + self.every - (step - self.first) % self.every
