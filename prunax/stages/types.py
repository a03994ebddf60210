"""What a stage is given, and what it leaves."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import jax
import optax

from prunax import data, shrinking, train
from prunax.hooks import Hook
from prunax.models import Model
from prunax.transforms import optimizers


class Fit(Protocol):
  """Trains `variables` by a transformation; interrupted, it goes on later."""

  def __call__(
    self,
    variables: Any,
    tx: optax.GradientTransformation,
    steps: int,
    key: jax.Array,
    hook: Hook | None = None,
  ) -> tuple[Any, Any]: ...


class Task(NamedTuple):
  """What a stage works on.

  Attributes:
    model: the network.
    fit: how to train it on the data.
    examples: what it is trained on.
    constraint: what a search judges its candidates on, not trained on.
    rehearsed: whether nothing but the settings is to be looked at.
    uncut: whether no stage before has cut channels.
  """

  model: Model
  fit: Fit
  examples: train.Examples
  constraint: data.Split
  rehearsed: bool = False
  uncut: bool = True


class Outcome(NamedTuple):
  """What a stage leaves.

  Attributes:
    variables: the weights.
    facts: for the report.
    plan: what a stage that cuts kept of its model, None for all others.
  """

  variables: Any
  facts: dict[str, Any]
  plan: shrinking.Plan | None = None


Stage = Callable[..., Outcome]


def inner_of(optimizer: Mapping[str, Any]) -> tuple[Any, int]:
  """The optimizer that a config describes, and its micro-batches."""
  return optimizers.optimizer(optimizer), optimizer.get('iter_size', 1)
