"""OLMP as one call, for a model and a training of the user's own."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import jax
import numpy as np
import optax

from prunax import findings, olmp_inputs, searches, transforms, tree
from prunax.errors import InputError
from prunax.schedules.numbers import whole
from prunax.search.settings import settings as search_settings

# No batch is this.
_END = object()


class OLMPResult(NamedTuple):
  """What `olmp` gives.

  Attributes:
    params: the pruned weights.
    opt_state: of the last step.
    searches: one record a search: its step, ratio (None where nothing is
      left), accuracy (None where it was no finite number), thresholds, c_rate,
      whether anything was feasible, the layers that are empty, and
      evaluations.
    accuracy: of `params`, by the function that judged the searches.
    floor: the least accuracy that the last search allowed, None where there
      was none. `accuracy` may lie below: searches hold it, training does not.
  """

  params: Any
  opt_state: Any
  searches: list[dict[str, Any]]
  accuracy: float
  floor: float | None


def _walk(batches: Iterable[Any], steps: int) -> Iterator[Any]:
  """As many batches as there are steps; a list begins again at its end."""
  again = isinstance(batches, (list, tuple))
  found = itertools.cycle(batches) if again else batches
  walk, given = iter(found), 0
  while given < steps and (batch := next(walk, _END)) is not _END:
    given += 1
    yield batch
  if given < steps:
    raise InputError(
      f'batches must last for {steps} steps, got {given}: give a list, which is'
      ' walked through again, or an endless generator'
    )


def _stepping(
  loss: Callable[[Any, Any], jax.Array], tx: optax.GradientTransformation
) -> Callable[[Any, Any, Any], tuple[Any, Any, jax.Array]]:
  """One compiled step of training, which gives the loss before it too."""

  @jax.jit
  def step(
    params: Any, opt_state: Any, batch: Any
  ) -> tuple[Any, Any, jax.Array]:
    value, grads = jax.value_and_grad(loss)(params, batch)
    updates, opt_state = tx.update(grads, opt_state, params)
    return optax.apply_updates(params, updates), opt_state, value

  return step


def olmp(
  params: Any,
  loss: Callable[[Any, Any], jax.Array],
  batches: Iterable[Any],
  accuracy: Callable[[Any], jax.Array],
  optimizer: optax.GradientTransformation,
  rules: tree.Rules,
  key: jax.Array,
  *,
  steps: int,
  every: int,
  until: int | None = None,
  prune_bias: bool = True,
  band: tuple[float, float] = (0.9, 1.1),
  log: Callable[[str], None] | None = print,
  **settings: Any,
) -> OLMPResult:
  """Prunes by thresholds that a search finds while training goes on.

  Every `every` steps a derivative-free search looks for the thresholds, one a
  layer, that leave the fewest weights while accuracy stays within `delta` of
  that of `params`; between searches, surgery trains and splices. Where nothing
  is feasible the thresholds stay, and surgery goes on with them. From `until`
  on the masks stay, and what is left is trained.

  The constraint holds right after a search. What surgery and training do from
  there on may cost more: the result tells `accuracy` beside its `floor`.

  Args:
    params: any pytree of weights, trained well enough to be the reference.
    loss: (params, batch) -> a number to minimise.
    batches: one batch a step, such as an endless generator; a list is walked
      through again and again.
    accuracy: params -> a number from 0 to 1 by JAX operations, on examples
      that are not trained on, in evaluation mode.
    optimizer: of the dense weights.
    rules: those of `prunax.dns`, such as `[('.*/kernel', Surgery(c_rate=0.0,
      gamma=1e-4)), ('.*', None)]`; iter_stop is set to `until`.
    key: decides, with the step, all that is random.
    steps: training steps in all.
    every: steps from one search to the next.
    until: the step from which masks stay; half of all steps by default.
    prune_bias: as in `prunax.dns`.
    band: as in `prunax.dns`.
    log: what is told of each search and of the end; None for silence.
    **settings: others of `search.settings.Settings`: delta, search, popsize,
      generations, restarts, sigma, lower, upper, allow_empty.
  """
  whole('steps', steps, 2 if until is None else 1)
  until = steps // 2 if until is None else whole('until', until, 1)
  if not isinstance(batches, Iterable):
    raise InputError(
      f'batches must be a list or a generator of batches, got {batches!r}'
    )
  # Refuses bad rules before they are read.
  transforms.dns(optimizer, rules, key, prune_bias=prune_bias, band=band)
  ruled = transforms.stopped(rules, until)
  tx = transforms.dns(
    optimizer, ruled, key, prune_bias=prune_bias, band=band, steps=steps
  )
  hook = searches.searching_hook(
    params,
    ruled,
    key,
    accuracy,
    lambda step: (),
    search_settings({'every': every, 'until': until, **settings}),
    prune_bias=prune_bias,
    band=band,
  )

  measured = jax.jit(accuracy)
  # Before the first search, which may be hours away.
  olmp_inputs.share(
    'the accuracy of the starting weights', measured(params), findings.SLACK
  )
  step = _stepping(loss, tx)
  opt_state, records = tx.init(params), []
  for t, batch in enumerate(_walk(batches, steps)):
    if t == 0:
      olmp_inputs.check_loss(loss, params, batch)
    if hook.due(t):
      params, opt_state, said = hook.act(t, params, opt_state)
      records.append({'step': t, **said})
      if log:
        log(hook.say(records[-1]))
    params, opt_state, value = step(params, opt_state, batch)
    if (t + 1) % every == 0 and not np.isfinite(value):
      raise InputError(
        f'the loss must stay finite, got {float(value)} at step {t}: lower the'
        ' rate'
      )
  if olmp_inputs.not_finite(params):
    raise InputError(
      'the weights must stay finite, got a NaN or infinity: lower the rate'
    )
  floors = [r['floor'] for r in records if 'floor' in r]
  floor = floors[-1] if floors else None
  ended = OLMPResult(params, opt_state, records, float(measured(params)), floor)
  if log:
    log(findings.ending(ended.accuracy, floor))
  return ended
