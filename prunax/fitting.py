"""Training that records itself, saves itself, and goes on where it stopped."""

import pathlib
import time
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from prunax import checkpoint, data, evaluation, train
from prunax.hooks import Hook
from prunax.interrupts import Interrupts
from prunax.models import Model
from prunax.progress import StageProgress
from prunax.record import Recorder
from prunax.rundir import RunDir


class Settings(NamedTuple):
  """What all stages of a run share.

  Attributes:
    model: the model that is trained.
    examples: what it is trained on.
    validation: what it is scored on after each block, possibly empty.
    folder: where records and checkpoints lie.
    block: steps in one compiled call.
    checkpoint_every: steps between two checkpoints, at ends of blocks.
  """

  model: Model
  examples: train.Examples
  validation: data.Split
  folder: RunDir
  block: int
  checkpoint_every: int


class Fitter:
  """The `Fit` of one stage.

  Attributes:
    seconds: what the stage's training took in earlier sittings.
  """

  def __init__(
    self, settings: Settings, interrupts: Interrupts, stage: int, name: str
  ):
    self._settings = settings
    self._interrupts = interrupts
    self._stage, self._name = stage, name
    self.seconds = 0.0
    self._used = False

  def __call__(
    self,
    variables: Any,
    tx: optax.GradientTransformation,
    steps: int,
    key: jax.Array,
    hook: Hook | None = None,
  ) -> tuple[Any, Any]:
    if self._used:
      raise ValueError(
        f'a stage must train once, got a second training in {self._name!r}:'
        ' its checkpoints would be taken for those of the first; make it two'
        ' stages'
      )
    self._used = True
    settings = self._settings
    # Copies, since the compiled block consumes what it is given.
    params = jax.tree.map(lambda x: jnp.array(x, copy=True), variables)
    opt_state = jax.jit(tx.init)(params)
    # A signal that came while the stage was set up: nothing is lost yet.
    self._interrupts.leave_if_pending()
    start = self._restored(train.Progress(0, params, opt_state, {}))
    last, saved, began = start, start.step, time.monotonic()
    recorder = Recorder(settings.folder, self._stage, start.step)
    blocks = train.fit(
      settings.model.apply,
      tx,
      settings.examples,
      start,
      steps,
      settings.block,
      key,
      hook,
      settings.model.statistics,
    )
    bar = StageProgress(self._name, start.step, steps)
    try:
      with self._interrupts.held(), bar:
        for last in blocks:
          metrics = self._metrics(last)
          recorder.add(self._stage, self._name, last.step, metrics)
          if hook and 'hook' in metrics:
            bar.say(hook.say(metrics['hook']))
          bar.show(last.step, metrics)
          due = last.step // settings.checkpoint_every
          due = due > saved // settings.checkpoint_every
          if self._interrupts.pending is not None or (
            due and last.step < steps
          ):
            elapsed = self.seconds + time.monotonic() - began
            self._save(last, elapsed)
            saved = last.step
            self._interrupts.leave_if_pending()
    except train.Diverged as e:
      raise train.Diverged(
        f'{e} of the stage {self._name!r}; {self._last_good()}: lower the'
        ' rate and start anew, with --overwrite or in another --workdir'
      ) from None
    finally:
      recorder.close()
    return last.params, last.opt_state

  def _metrics(self, progress: train.Progress) -> dict[str, Any]:
    x, y = self._settings.validation
    if not len(y):
      return progress.metrics
    apply, scale = self._settings.model.apply, self._settings.examples.scale
    guesses = evaluation.predict(apply, progress.params, x, scale)
    score = float(np.mean(guesses == y))
    return {**progress.metrics, 'validation_accuracy': score}

  def _save(self, progress: train.Progress, seconds: float) -> None:
    value = _saved(progress, seconds)
    folder = self._settings.folder.checkpoints
    checkpoint.save(folder, self._stage, progress.step, value)

  def _restored(self, start: train.Progress) -> train.Progress:
    found = self._latest()
    if not found:
      return start
    value = checkpoint.restore(found[1], _saved(start, 0.0))
    self.seconds = float(value['seconds'])
    return train.Progress(found[0], value['params'], value['opt_state'], {})

  def _latest(self) -> tuple[int, pathlib.Path] | None:
    """The step and path of this stage's newest checkpoint, or None."""
    found = checkpoint.latest(self._settings.folder.checkpoints)
    return found[1:] if found and found[0] == self._stage else None

  def _last_good(self) -> str:
    found, before = self._latest(), self._settings.folder.artifacts()
    if found:
      return f'the last good checkpoint is {found[1]}'
    if before:
      return f'it has no checkpoint yet, the stage before gave {before[-1]}'
    return 'there is no checkpoint yet'


def _saved(progress: train.Progress, seconds: float) -> dict[str, Any]:
  return {
    'params': progress.params,
    'opt_state': progress.opt_state,
    'seconds': np.float64(seconds),
  }
