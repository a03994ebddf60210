"""Every criterion cuts a slim VGG16."""

import jax
import numpy as np
import pytest

import prunax
from prunax import shrinking
from prunax.models import vgg

MODEL = vgg.vgg16(widths=[6] * 14)
X = np.random.default_rng(1).normal(size=(16, 32, 32, 3)).astype(np.float32)
MAKERS = {
  'fpgm': lambda variables: 'fpgm',
  'fpgm_mix': lambda variables: shrinking.fpgm_mix(0.2),
  'taylor': lambda variables: shrinking.taylor(
    jax.tree.map(lambda w: np.sin(9 * w), variables)
  ),
  'pfa_energy': lambda variables: shrinking.pfa_energy(
    prunax.responses(MODEL.apply, variables, X)
  ),
  'nre': lambda variables: shrinking.nre(MODEL.apply, variables, X),
}


@pytest.fixture(scope='module')
def variables():
  rng = np.random.default_rng(0)
  shapes = jax.eval_shape(MODEL.init, jax.random.key(0))

  def leaf(x):
    if len(x.shape) < 2:
      return (0.3 + 0.2 * rng.random(x.shape)).astype(np.float32)
    scale = np.sqrt(np.prod(x.shape[:-1]))
    return (rng.normal(size=x.shape) / scale).astype(np.float32)

  return jax.tree.map(leaf, shapes)


@pytest.mark.parametrize('name', MAKERS)
def test_half_of_the_operations(variables, name):
  small = prunax.shrink(
    MODEL.apply, variables, X[:1], density=0.5, score=MAKERS[name](variables)
  )
  report = small.report
  left = report.after['flops'] / report.before['flops']
  assert 0.35 < left <= 0.5 and not report.stayed
  kept = [report.kept[g.id] for g in report.groups if g.prunable]
  assert len(kept) == 14 and min(kept) >= 1 and len(set(kept)) > 1


def test_kl_has_a_budget_of_its_own(variables):
  seen = prunax.responses(MODEL.apply, variables, X)
  keep = shrinking.pfa_kl(seen)
  small = prunax.shrink(MODEL.apply, variables, X[:1], keep=keep)
  kept = {name: int(mask.sum()) for name, mask in keep.items()}
  assert {g: small.report.kept[g] for g in kept} == kept
  assert min(kept.values()) >= 1 and sum(kept.values()) < 14 * 6
