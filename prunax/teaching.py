"""What a teacher, another trained network, says of the training examples."""

from typing import Any, NamedTuple

import jax
import numpy as np

from prunax import convert, evaluation, models, plan, weights
from prunax.errors import InputError
from prunax.losses import Teaching
from prunax.models import Model
from prunax.rundir import RunDir
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


def of_run(
  config: dict[str, Any], folder: RunDir, anew: bool, pupil: Model
) -> Teacher | None:
  """The teacher that a config describes, if it describes one.

  Args:
    config: of the run.
    folder: of the run, which keeps the teacher that it began with.
    anew: whether what the folder keeps is about to be removed.
    pupil: the network that learns.
  """
  if 'teacher' not in config:
    return None
  entry = config['teacher']
  kept = folder.teacher.exists() and not anew
  path = folder.teacher if kept else plan.teacher_file(config)
  model = models.get(entry['model'])
  for what, theirs, ours in (
    ('pixels', np.prod(model.input_shape), np.prod(pupil.input_shape)),
    ('classes', model.classes, pupil.classes),
  ):
    if theirs != ours:
      raise InputError(
        f'the teacher {model.name!r} must have as many {what} as the model'
        f' {pupil.name!r}, which has {ours}, got {theirs}: name another model'
      )
  variables = models.checked(model, weights.load(path).tree, str(path))
  return Teacher(model, variables, entry['weight'], entry['temperature'])


def keep(teacher: Teacher, folder: RunDir) -> None:
  """Keeps the teacher for later sittings, unless the folder has it."""
  if not folder.teacher.exists():
    taught = jax.tree.map(np.asarray, teacher.variables)
    convert.npz.save(folder.teacher, taught, {'model': teacher.model.name})


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
