"""A run: a fold over the stages of a config, with one artifact a stage."""

import os
import pathlib
import time
from typing import Any

import jax
import numpy as np

from prunax import convert, costs, data, models, stages, train, tree
from prunax.errors import InputError
from prunax.fitting import Fitter, Settings
from prunax.interrupts import Interrupts
from prunax.rundir import RunDir, write_json
from prunax.version import versions


def _start_file(config: dict[str, Any]) -> pathlib.Path | None:
  """The file that the config starts from, or None to train a dense start."""
  start = config['start']
  if not start or pathlib.Path(start).suffix:
    return pathlib.Path(start) if start else None
  folder = config['models_dir'] or os.environ.get('PRUNAX_MODELS_DIR')
  return pathlib.Path(folder) / f'{start}.caffemodel' if folder else None


def identity(config: dict[str, Any]) -> dict[str, Any]:
  """What makes a run itself: its config, without where the files lie."""
  kept = {k: v for k, v in config.items() if k != 'models_dir'}
  kept['data'] = {k: v for k, v in config['data'].items() if k != 'dir'}
  kept['start'] = config['start'] if _start_file(config) else ''
  return kept


def stage_names(config: dict[str, Any]) -> list[str]:
  """The names of the stages, with the dense start before them.

  That is 'start' where the config names a file that is at hand, and 'dense',
  a training of its own, where it does not.
  """
  named = ['dense', *config['stages']]
  for name in named:
    if not isinstance(config.get(name), dict) or 'kind' not in config[name]:
      raise InputError(
        f'the config must describe its stage {name!r} by an entry of that'
        f' name with a kind, got {config.get(name)!r}: add it'
      )
  first = 'start' if _start_file(config) else 'dense'
  return [first, *config['stages']]


class Run:
  """One run in its folder: made from a config, then executed."""

  def __init__(self, config: dict[str, Any], workdir: str | pathlib.Path):
    self.config = config
    self.names = stage_names(config)
    self.folder = RunDir(workdir)
    self.model = models.get(config['model'])
    wanted, seed = config['data'], config['seed']
    whole = data.load(wanted['name'], wanted['dir'] or None)
    self.dataset, validation = data.split_validation(
      whole, wanted['validation'], seed
    )
    size = len(self.dataset.train.y)

    def indices(start: int, steps: int) -> np.ndarray:
      return data.batch_indices(
        wanted['order'], size, wanted['batch'], start, steps, seed
      )

    # Refuses a bad order or batch before anything is written.
    indices(0, 1)
    x, y = self.dataset.train
    self._settings = Settings(
      self.model,
      train.Examples(x, y, data.scale, indices),
      validation,
      self.folder,
      config['block'],
      config['checkpoint_every'],
    )
    self._interrupts = Interrupts()

  @property
  def note(self) -> str:
    """What a reader must know of the start, or nothing."""
    if self.names[0] == 'start' or not self.config['start']:
      return ''
    return (
      f'PRUNAX_MODELS_DIR is not set: instead of {self.config["start"]} this'
      ' run trains its own dense start'
    )

  def execute(self, overwrite: bool = False) -> dict[str, Any]:
    """Does what is left to do, and returns the summary."""
    self.folder.open(identity(self.config), overwrite)
    finished = self.folder.read_summary()
    if finished:
      return finished
    with self._interrupts.installed():
      variables: Any = None
      key = jax.random.key(self.config['seed'])
      for i, name in enumerate(self.names):
        path = self.folder.artifact(i, name)
        if path.exists():
          variables = convert.load(path).tree
        else:
          stage_key = jax.random.fold_in(key, i)
          variables = self._perform(i, name, variables, stage_key)
      return self._finish()

  def evaluate(self) -> dict[str, Any]:
    """Accuracy, errors and count of the run's last artifact on the test set."""
    path = self.folder.last_artifact()
    variables = models.checked(self.model, convert.load(path).tree, str(path))
    x, y = self.dataset.test
    return train.score(
      train.predict(self.model.apply, variables, x, data.scale), y
    )

  def _perform(self, i: int, name: str, variables: Any, key: jax.Array) -> Any:
    """Runs one stage and writes its artifact."""
    began = time.monotonic()
    fitter = Fitter(self._settings, self._interrupts, i, name)
    if name == 'start':
      variables = self._dense_start()
      facts: dict[str, Any] = {'from': self.config['start']}
    else:
      settings = dict(self.config[name])
      kind = settings.pop('kind')
      task = stages.Task(self.model, fitter)
      variables, facts = stages.perform(kind, task, variables, key, settings)
    variables = jax.tree.map(np.asarray, variables)
    meta = {
      'model': self.config['model'],
      'data': self.config['data']['name'],
      'config': self.config['name'],
      'stage': name,
      'seed': self.config['seed'],
      'seconds': fitter.seconds + time.monotonic() - began,
      'sizes': models.sizes(self.model),
      'facts': facts,
      'versions': versions(),
    }
    convert.npz.save(self.folder.artifact(i, name), variables, meta)
    return variables

  def _dense_start(self) -> Any:
    path = _start_file(self.config)
    if path is None or not path.exists():
      raise InputError(
        f'the config starts from {path}, which does not exist: mend'
        ' PRUNAX_MODELS_DIR, or train a dense start with --config.start='
      )
    return models.checked(self.model, convert.load(path).tree, str(path))

  def _finish(self) -> dict[str, Any]:
    """Reads the test set, once for each artifact, and writes the summary."""
    rows = []
    x, y = self.dataset.test
    for path in self.folder.artifacts():
      variables, meta = convert.load(path)
      guesses = train.predict(self.model.apply, variables, x, data.scale)
      counts = tree.count(variables)
      rows.append(
        {
          'stage': meta['stage'],
          **costs.total(counts, meta['sizes']),
          'error_percent': 100 * (1 - train.score(guesses, y)['accuracy']),
          'seconds': meta['seconds'],
          'layers': costs.by_layer(counts),
          **meta['facts'],
        }
      )
      last = {'predictions': guesses.astype(np.uint16)}
    convert.npz.save(self.folder.predictions, last, {})
    summary = {
      'config': self.config['name'],
      'seed': self.config['seed'],
      'stages': rows,
      'wall_seconds': sum(row['seconds'] for row in rows),
      'versions': versions(),
    }
    write_json(self.folder.summary, summary)
    return summary
