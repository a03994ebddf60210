"""What a config's run is trained, chosen and judged on."""

from typing import Any, NamedTuple

import numpy as np

from prunax import augmentation, data, models, plan, train
from prunax.errors import InputError


class Feed(NamedTuple):
  """The examples of a run, by their uses.

  Attributes:
    dataset: what is trained on, and the test set.
    validation: what a training is scored on after each block, maybe empty.
    constraint: what searches judge on, maybe empty.
    examples: how training sees its part.
    facts: what the run's summary tells of the choice.
  """

  dataset: data.Dataset
  validation: data.Split
  constraint: data.Split
  examples: train.Examples
  facts: dict[str, Any]


def of_config(config: dict[str, Any], model: models.Model) -> Feed:
  """The examples that a checked config describes, for its model.

  What is held out is drawn first, so it is the same whatever the limit.
  """
  wanted, seed = plan.data_of(config), config['seed']
  loaded = data.load(wanted['name'], wanted['dir'] or None)
  whole = _fitting(loaded, model)
  rest, validation = data.split_validation(whole, wanted['validation'], seed)
  rest, constraint = data.split_constraint(rest, wanted['constraint'], seed)
  dataset = data.limit(rest, wanted['limit'], seed)
  (x, y), scale = dataset.train, dataset.scale

  def indices(start: int, steps: int) -> np.ndarray:
    return data.batch_indices(
      wanted['order'], len(y), wanted['batch'], start, steps, seed
    )

  # Refuses a bad order or batch before anything is written.
  indices(0, 1)
  augment = augmentation.named(wanted['augment'], scale, x)
  facts: dict[str, Any] = {}
  if wanted['limit']:
    facts['trained_on'] = {'examples': len(y), 'of': len(rest.train.y)}
  examples = train.Examples(x, y, scale, indices, augment=augment)
  return Feed(dataset, validation, constraint, examples, facts)


def _fitting(dataset: data.Dataset, model: models.Model) -> data.Dataset:
  """The data set in the model's input shape, if the model can learn it."""
  if dataset.classes > model.classes:
    raise InputError(
      f'the labels of {dataset.name} must be below the {model.classes} classes'
      f' of the model {model.name!r}, got {dataset.classes} classes: name'
      ' another model or data set'
    )
  models.check_input(model, dataset.train.x, dataset.name)
  train_part, test = (
    data.Split(x.reshape(len(y), *model.input_shape), y)
    for x, y in (dataset.train, dataset.test)
  )
  return dataset._replace(train=train_part, test=test)
