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


class Model(NamedTuple):
  """A network as two pure functions.

  Attributes:
    name: what it is called in configs and files.
    init: key -> variables, a nested dict of arrays.
    apply: (variables, x [n, ...], train=False, rngs=None) -> logits
      [n, classes].
    input_shape: of one example.
    classes: the number of logits.
  """

  name: str
  init: Init
  apply: Apply
  input_shape: tuple[int, ...]
  classes: int
