"""What a model is to everything else."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import jax

Variables = dict[str, Any]
Init = Callable[[jax.Array], Variables]


class Apply(Protocol):
  """The forward pass: variables and examples to logits, a pure function."""

  def __call__(
    self,
    variables: Any,
    x: jax.Array,
    train: bool = False,
    rngs: Any = None,
  ) -> jax.Array: ...


class Statistics(Protocol):
  """The forward pass of training, and what it makes of running averages."""

  def __call__(
    self, variables: Any, x: jax.Array, rngs: Any = None
  ) -> tuple[jax.Array, Any]: ...


class Model(NamedTuple):
  """A network as pure functions.

  Attributes:
    name: what it is called in configs and files.
    init: key -> variables, a nested dict of arrays.
    apply: (variables, x [n, ...], train=False, rngs=None) -> logits
      [n, classes].
    input_shape: of one example.
    classes: the number of logits.
    statistics: (variables, x, rngs=None) -> logits as in training, and the
      variables with new running averages, the leaves `mean` and `var` of its
      batch normalizations; None for a model without.
  """

  name: str
  init: Init
  apply: Apply
  input_shape: tuple[int, ...]
  classes: int
  statistics: Statistics | None = None
