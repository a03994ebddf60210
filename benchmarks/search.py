"""Candidates evaluated a second, and what a search adds to a training."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import paired
from benchmarks.dns import Trainer
from configs import lenet5_olmp, lenet300_olmp
from prunax import (
  data,
  evaluation,
  models,
  search,
  searches,
  transforms,
  tree,
)
from prunax.ops import masks
from prunax.search.candidates import Plan, Subject, judge, masks_at
from prunax.search.settings import settings as search_settings
from prunax.transforms import optimizers

_EXPERIMENTS = {'lenet5': lenet5_olmp, 'lenet300100': lenet300_olmp}
_EXAMPLES = 1_024
# A CPU evaluates one candidate after the other, so a few tell as much.
_POPULATION = {'cpu': 8}


def _evaluations(
  model: models.Model, rules: tree.Rules, rounds: int
) -> dict[str, float]:
  """The population call against a loop over single compiled calls.

  The ratio is that of candidates a second, ours over the loop's.
  """
  rng = np.random.default_rng(0)
  x = jnp.asarray(
    rng.integers(0, 256, (_EXAMPLES, *model.input_shape), np.uint8)
  )
  y = jnp.asarray(rng.integers(0, 10, _EXAMPLES, np.int32))
  size = _POPULATION.get(jax.default_backend(), 256)
  params = model.init(jax.random.key(0))
  movable = transforms.movable(params, rules)
  leaves, structure = jax.tree.flatten(params)
  plan = Plan(layers=movable.leaves)
  moments = [masks.moments([leaves[i] for i in p]) for p in movable.leaves]
  subject = Subject(
    dense=leaves,
    mask=[jnp.ones_like(w, bool) for w in leaves],
    mean=jnp.stack([mean for mean, _ in moments]),
    std=jnp.stack([std for _, std in moments]),
    c_rate=jnp.zeros(len(moments)),
    searched=jnp.ones(len(moments), bool),
  )
  accuracy = evaluation.accuracy_function(model.apply, data.scale)

  def one(c_rate: jax.Array) -> jax.Array:
    drawn = masks_at(subject, subject.mask, c_rate, plan)
    kept = [jnp.where(m, w, 0) for m, w in zip(drawn, leaves, strict=True)]
    right = accuracy(jax.tree.unflatten(structure, kept), x, y)
    return judge(kept, drawn, right, 0.5, plan).fitness

  candidates = jax.random.uniform(
    jax.random.key(1), (size, len(movable.names)), maxval=3.0
  )
  single = jax.jit(one)
  together = jax.jit(functools.partial(search.over_population, one))
  pair = paired.ratio(
    lambda: together(candidates),
    lambda: [single(c) for c in candidates],
    rounds,
  )
  return {
    'population': size,
    'together_per_second': 1e3 * size / pair['ours_ms'],
    'loop_per_second': 1e3 * size / pair['theirs_ms'],
    'ratio': 1 / pair['ratio'],
  }


def _whole_run(
  model: models.Model, config: dict[str, Any], rounds: int
) -> dict[str, float]:
  """A run of the config over as many dense steps, from times of its parts.

  The parts are a dense step, a step of surgery, and a search, each timed
  against the dense step in turn.
  """
  stage, steps = config['olmp'], 20
  make = functools.partial(optimizers.optimizer, stage['optimizer'])
  key, rules = jax.random.key(0), stage['rules']
  dense = Trainer(model, make(), steps)
  surgery = Trainer(model, transforms.dns(make(), rules, key), steps)
  rng = np.random.default_rng(0)
  held = config['data']['constraint']
  x = rng.integers(0, 256, (held, *model.input_shape), np.uint8)
  y = rng.integers(0, 10, held, np.int32)
  wanted = {
    name: stage[name]
    for name in ('every', 'search', 'popsize', 'generations', 'sigma')
  }
  params = model.init(key)
  hook = searches.searching_hook(
    params,
    rules,
    key,
    evaluation.accuracy_function(model.apply, data.scale),
    lambda step: (x, y),
    # Whatever a random net answers is feasible, so the search goes on.
    search_settings(wanted | {'delta': 1.0}),
  )
  state = transforms.dns(make(), rules, key).init(params)
  step = paired.ratio(
    lambda: surgery.block_after(stage['steps'] // 2), dense.block, rounds
  )
  search_time = paired.ratio(
    lambda: hook.act(0, params, state)[0], dense.block, max(rounds // 3, 1)
  )
  dense_steps = stage['steps'] + config['recover']['steps']
  extra = stage['steps'] * (step['ratio'] - 1)
  count = len(range(stage['first'], stage['until'], stage['every']))
  searched = count * search_time['ratio'] * steps
  return {
    'ratio': (dense_steps + extra + searched) / dense_steps,
    'dns_over_dense_step': step['ratio'],
    'dense_steps_a_search': search_time['ratio'] * steps,
    'searches': count,
    'steps': dense_steps,
  }


def measure(rounds: int = 15) -> dict[str, Any]:
  """By model: candidates a second, and a whole run over plain training."""
  found: dict[str, Any] = {}
  for name, experiment in _EXPERIMENTS.items():
    config = experiment.get_config().to_dict()
    model = models.get(name)
    rules = config['olmp']['rules']
    found[f'{name}_candidates'] = _evaluations(model, rules, rounds)
    found[f'{name}_run'] = _whole_run(model, config, rounds)
  return found
