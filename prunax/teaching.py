"""What a teacher, another trained network, says of the training examples."""

import pathlib
from typing import Any, NamedTuple

from prunax import convert, evaluation, models
from prunax.errors import InputError
from prunax.losses import Teaching
from prunax.models import Model
from prunax.train import Examples


class Teacher(NamedTuple):
  """A network that has learnt the examples already, and how it teaches.

  Attributes:
    model: the network.
    variables: its weights.
    weight: the share of the loss that its answers have.
    temperature: what the logits are divided by.
  """

  model: Model
  variables: Any
  weight: float
  temperature: float


def teacher(
  path: pathlib.Path,
  examples: Examples,
  classes: int,
  *,
  model: str,
  weights: str,
  weight: float,
  temperature: float,
) -> Teacher:
  """The teacher that a config describes, if it can teach the examples.

  Args:
    path: the file that `weights` names.
    examples: what it is to be asked.
    classes: how many the learning network tells apart.
    model: the teacher's, by name.
    weights: what the config calls them.
    weight: as in `Teacher`.
    temperature: as in `Teacher`.
  """
  del weights
  found = models.get(model)
  if found.classes != classes:
    raise InputError(
      f'a teacher must tell apart the {classes} classes of the network that'
      f' learns, got {found.classes} of {found.name!r}: name another'
    )
  models.check_input(found, examples.x, 'the training examples')
  variables = models.checked(found, convert.load(path).tree, str(path))
  return Teacher(found, variables, weight, temperature)


def taught(examples: Examples, teacher: Teacher) -> Examples:
  """The examples with the teacher's answers to them."""
  logits = evaluation.answers(
    teacher.model.apply,
    teacher.variables,
    examples.x.reshape(len(examples.y), *teacher.model.input_shape),
    examples.scale,
  )
  says = Teaching(logits, teacher.weight, teacher.temperature)
  return examples._replace(teaching=says)
