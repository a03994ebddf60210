"""A run: a fold over the stages of a config, with one artifact a stage."""

import pathlib
import time
from typing import Any, NamedTuple

import jax
import numpy as np

from prunax import (
  checkpoint,
  convert,
  cut_models,
  data,
  dense_starts,
  evaluation,
  feeding,
  finishing,
  models,
  plan,
  shrinking,
  stages,
  teaching,
  weights,
)
from prunax.files import PathLike
from prunax.fitting import Fitter, Settings
from prunax.interrupts import Interrupts
from prunax.rundir import RunDir
from prunax.version import versions


def _scaled(scale: data.Scale) -> dict[str, Any]:
  """What an artifact says of its scale: nothing of the usual one."""
  return {} if scale == data.scale else {'scale': scale.recorded}


class _Before(NamedTuple):
  """What a stage begins with: its model, the weights, and what was cut."""

  model: models.Model
  variables: Any
  plan: dict[str, Any] | None


class Run:
  """One run in its folder: made from a config, then executed."""

  def __init__(self, config: dict[str, Any], workdir: str | pathlib.Path):
    plan.check(config)
    self.config = config
    self.names = plan.stage_names(config)
    self.folder = RunDir(workdir)
    self.model = models.get(config['model'])
    models.check_statistics(self.model)
    self._interrupts = Interrupts()
    with self._interrupts.installed(), self._interrupts.held():
      self._rehearse()
    self.feed = feeding.of_config(config, self.model)
    self.dataset = self.feed.dataset
    self._settings = Settings(
      self.model,
      self.feed.examples,
      self.feed.validation,
      self.folder,
      config['block'],
      config['checkpoint_every'],
    )
    self._teacher: teaching.Teacher | None = None

  def _rehearse(self) -> None:
    """Refuses stages that would fail, before any time is spent."""
    held_out = min(self.config['data']['constraint'], 1)
    uncut = True
    for name in self.names:
      if name != 'start':
        settings = self.config[name]
        stages.rehearse(name, self.model, settings, held_out, uncut)
        uncut = uncut and settings['kind'] != 'filters'
      self._interrupts.leave_if_pending()

  @property
  def note(self) -> str:
    """What a reader must know of the start, or nothing."""
    if self.names[0] == 'start' or not self.config['start']:
      return ''
    said = (
      f'PRUNAX_MODELS_DIR is not set: instead of {self.config["start"]} this'
      ' run trains its own dense start'
    )
    if any(self.config[x]['kind'] == 'olmp' for x in self.config['stages']):
      # The released start has seen what judges the searches.
      said += (
        ', which wants a smaller delta for its searches: a config that has an'
        ' argument :own has one there'
      )
    return said

  def execute(
    self, overwrite: bool = False, dense_from: PathLike | None = None
  ) -> dict[str, Any]:
    """Does what is left to do, and returns the summary.

    Args:
      overwrite: start anew.
      dense_from: the folder of a run with the same dense start, which this one
        then need not train.
    """
    fresh = overwrite or not self.folder.artifact(0, self.names[0]).exists()
    if self.names[0] == 'start' and fresh:
      # Read before anything is removed for it.
      self._dense_start()
    self._teacher = teaching.of_run(
      self.config, self.folder, overwrite, self.model
    )
    identity = plan.identity(self.config)
    if not overwrite:
      self.folder.check(identity)
      finished = self.folder.read_summary()
      if finished:
        return finished
    with self.folder.held():
      self.folder.open(identity, overwrite)
      if dense_from is not None and self.names[0] == 'dense':
        dense_starts.take(dense_from, self.folder, identity)
      # Another process may have ended it meanwhile.
      return self.folder.read_summary() or self._work()

  def _work(self) -> dict[str, Any]:
    """Performs the stages that have no artifact, and ends the run."""
    if self._teacher:
      teaching.keep(self._teacher, self.folder)
    # Held back all the time, since what a signal raises inside of JAX is lost
    # or ends the process.
    with self._interrupts.installed(), self._interrupts.held():
      before = _Before(self.model, None, None)
      key = jax.random.key(self.config['seed'])
      for i, name in enumerate(self.names):
        self._interrupts.leave_if_pending()
        path = self.folder.artifact(i, name)
        if not path.exists():
          self._forget_after(i)
          self._perform(i, name, before, jax.random.fold_in(key, i))
        before = self._after(before, path)
      return finishing.finish(
        self.folder,
        self.model,
        self.dataset,
        {
          'config': self.config['name'],
          'seed': self.config['seed'],
          **self.feed.facts,
        },
        self._interrupts.leave_if_pending,
      )

  def _after(self, before: _Before, path: pathlib.Path) -> _Before:
    """Where the stage after the one that wrote this artifact begins."""
    variables, meta, _ = weights.load(path)
    told = meta.get('plan')
    if told == before.plan:
      return before._replace(variables=variables)
    model = cut_models.stored_model(self.model, meta, path)
    return _Before(model, variables, told)

  def _forget_after(self, stage: int) -> None:
    """Removes what later stages made of a result that is being made anew."""
    for later, name in enumerate(self.names):
      if later > stage:
        self.folder.artifact(later, name).unlink(missing_ok=True)
    checkpoint.remove_after(self.folder.checkpoints, stage)

  def evaluate(self) -> dict[str, Any]:
    """Accuracy, errors and count of the run's last artifact on the test set."""
    self.folder.check(plan.identity(self.config))
    path = self.folder.last_artifact()
    variables, meta, _ = weights.load(path)
    model = cut_models.stored_model(self.model, meta, path)
    variables = models.checked(model, variables, str(path))
    (x, y), scale = self.dataset.test, self.dataset.scale
    return evaluation.score(
      evaluation.predict(model.apply, variables, x, scale), y
    )

  def _perform(
    self, i: int, name: str, before: _Before, key: jax.Array
  ) -> None:
    """Runs one stage and writes its artifact."""
    began = time.monotonic()
    settings = self._settings._replace(model=before.model)
    if i and self._teacher:
      examples = teaching.taught(settings.examples, self._teacher)
      settings = settings._replace(examples=examples)
    fitter = Fitter(settings, self._interrupts, i, name)
    if name == 'start':
      done = stages.Outcome(self._dense_start(), {'from': self.config['start']})
    else:
      options = dict(self.config[name])
      kind = options.pop('kind')
      task = stages.Task(
        before.model, fitter, settings.examples, self.feed.constraint
      )
      done = stages.perform(kind, task, before.variables, key, options)
    facts = done.facts
    if i and self._teacher:
      facts = {**facts, 'teacher': plan.identity(self.config)['teacher']}
    told = before.plan
    if done.plan is not None:
      told = shrinking.plan_data(done.plan)
    variables = jax.tree.map(np.asarray, done.variables)
    meta = {
      'model': self.config['model'],
      'data': self.config['data']['name'],
      'config': self.config['name'],
      'stage': name,
      'seed': self.config['seed'],
      'seconds': fitter.seconds + time.monotonic() - began,
      'sizes': models.sizes(self.model),
      **_scaled(self.dataset.scale),
      **({} if told is None else {'plan': told}),
      'facts': facts,
      'versions': versions(),
    }
    convert.npz.save(self.folder.artifact(i, name), variables, meta)

  def _dense_start(self) -> Any:
    path = plan.need_start_file(self.config)
    return models.checked(self.model, weights.load(path).tree, str(path))
