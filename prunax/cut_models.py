"""Models whose channels are cut, as models."""

import functools
import json
from typing import Any

import jax

from prunax import shrinking
from prunax.files import PathLike
from prunax.models import Model


def cut_model(model: Model, plan: shrinking.Plan) -> Model:
  """The model of what a plan keeps, for training and evaluation.

  >>> from prunax import models
  >>> import numpy as np
  >>> lenet = models.get('lenet300100')
  >>> keep = {'ip1/kernel': np.arange(300) < 30}
  >>> x = np.ones((1, *lenet.input_shape), 'f')
  >>> net = lenet.init(jax.random.key(0))
  >>> small = shrinking.shrink(lenet.apply, net, x, keep=keep)
  >>> cut = cut_model(lenet, small.report.plan)
  >>> cut.init(jax.random.key(0))['ip2']['kernel'].shape
  (30, 100)
  >>> cut.apply(small.variables, x).shape
  (1, 10)
  """

  def init(key: jax.Array) -> dict[str, Any]:
    found: dict[str, Any] = model.init(key)
    for cut in plan.chain():
      found = cut.cut(found)
    return found

  statistics = model.statistics
  return model._replace(
    init=init,
    apply=shrinking.cut_apply(model.apply, plan),
    statistics=statistics and shrinking.cut_apply(statistics, plan),
  )


def stored_model(model: Model, meta: dict[str, Any], path: PathLike) -> Model:
  """The model of the weights in a file, whose meta may tell of a cut.

  The same object for the same cut, so that what is compiled serves again.
  """
  if 'plan' not in meta:
    return model
  # Names the file where its plan is no plan.
  shrinking.plan_from(meta['plan'], str(path))
  return _of_plan(model, json.dumps(meta['plan']))


@functools.lru_cache(maxsize=4)
def _of_plan(model: Model, told: str) -> Model:
  return cut_model(model, shrinking.plan_from(json.loads(told), 'the file'))
