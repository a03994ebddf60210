"""Whether weights are a model's."""

from typing import Any

import jax
import numpy as np

from prunax import averages, tree
from prunax.errors import InputError
from prunax.models.types import Model


def shapes(model: Model) -> dict[str, tuple[int, ...]]:
  """The shape of every leaf of a model, by name."""
  abstract = jax.eval_shape(model.init, jax.random.key(0))
  return {name: x.shape for name, x in tree.named_leaves(abstract).items()}


def sizes(model: Model) -> dict[str, int]:
  """The number of entries of every leaf of a model, by name."""
  return {name: int(np.prod(shape)) for name, shape in shapes(model).items()}


def checked(model: Model, variables: Any, where: str) -> Any:
  """The variables, if their names and shapes are the model's.

  Args:
    model: the model that they are for.
    variables: a tree of arrays.
    where: the file that they come from, for the sentence if they do not fit.
  """
  wanted = shapes(model)
  given = {n: np.shape(x) for n, x in tree.named_leaves(variables).items()}
  for name in [*wanted, *given]:
    want, got = wanted.get(name), given.get(name)
    if want != got:
      raise InputError(
        f'{where} must fit the model {model.name!r}, whose leaf {name!r}'
        f' {_said(want)}, but there it {_said(got)}: name another model or file'
      )
  return variables


def _said(shape: tuple[int, ...] | None) -> str:
  return 'does not exist' if shape is None else f'has the shape {shape}'


def check_statistics(model: Model) -> None:
  """Refuses a model whose running averages nothing would move."""
  names = list(shapes(model))
  found = [n for n, x in zip(names, averages.flags(names), strict=True) if x]
  if found and model.statistics is None:
    raise InputError(
      f'the model {model.name!r} must say how its running averages move, such'
      f' as {found[0]!r}, got statistics=None: give it'
      ' models.nnx_statistics(build), say'
    )


def check_input(model: Model, x: np.ndarray, where: str) -> None:
  """Refuses examples that the model cannot take."""
  got, want = x.shape[1:], tuple(model.input_shape)
  if got != want and got != (int(np.prod(want)),):
    raise InputError(
      f'the examples of {where} must have the shape {want} for the model'
      f' {model.name!r}, got {got}: name another model or data set'
    )
