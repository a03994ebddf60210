"""The networks of filter pruning: cut as masked, and counted as published."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import prunax
from prunax import models, shrinking
from prunax.models import mobilenet, resnet, vgg

SLIM = {
  'vgg16': lambda: vgg.vgg16(widths=[6] * 14),
  'resnet20, padded shortcuts': lambda: resnet.cifar_resnet(
    depth=20, version=1, widths=(4, 8, 12)
  ),
  'resnet32, projections': lambda: resnet.cifar_resnet(widths=(4, 6, 8)),
  'mobilenet': lambda: mobilenet.cifar_mobilenet(widths=[6] * 14),
}
SOME = ['vgg16', 'resnet20, padded shortcuts']


def halved(name):
  """A slim network with numbers of its own, before and after the cut."""
  model = SLIM[name]()
  rng = np.random.default_rng(0)
  shapes = jax.eval_shape(model.init, jax.random.key(0))
  variables = jax.tree.map(
    lambda x: (
      0.3 + 0.2 * rng.random(x.shape)
      if len(x.shape) < 2
      else rng.normal(size=x.shape) / np.sqrt(np.prod(x.shape[:-1]))
    ),
    shapes,
  )
  x = rng.normal(size=(2, *model.input_shape))
  small = prunax.shrink(model.apply, variables, x, density=0.5)
  assert not small.report.stayed
  left = small.report.after['flops'] / small.report.before['flops']
  assert left <= 0.5
  return model, small, small.report.plan.mask(variables), x


def check(name):
  with jax.enable_x64(True):
    model, small, masked, x = halved(name)
    own = jax.jit(small.apply)(small.variables, x)
    full = jax.jit(model.apply)(masked, x)
    assert np.abs(own - full).max() <= 1e-10 * max(1, np.abs(full).max())


@pytest.mark.parametrize('name', SOME)
def test_cut_as_masked(name):
  check(name)


@pytest.mark.long
@pytest.mark.parametrize('name', [n for n in SLIM if n not in SOME])
def test_the_others_cut_as_masked(name):
  check(name)


@pytest.mark.long
@pytest.mark.parametrize('name', SLIM)
def test_gradients_and_running_averages(name):
  with jax.enable_x64(True):
    model, small, masked, x = halved(name)
    key = jax.random.key(1)

    def apply(variables, x):
      return model.statistics(variables, x, key)

    groups = prunax.channels(apply, masked, x)
    assert {g.id for g in groups if g.prunable} >= {
      g.id for g in small.report.groups if g.prunable
    }
    run = shrinking.cut_apply(apply, small.report.plan)

    def gradients(run, variables):
      def loss(variables):
        logits, after = run(variables, x)
        return jnp.sum(jnp.sin(logits)), after

      return jax.jit(jax.grad(loss, has_aux=True))(variables)

    own = gradients(run, small.variables)
    full = gradients(apply, masked)
    full = tuple(small.report.plan.cut(part) for part in full)
    jax.tree.map(
      lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-8),
      own,
      full,
    )


# Parameters and FLOPs, as counted from the originals' own code.
PUBLISHED = {
  'vgg16_cifar10': (14_982_474, 626_927_616),
  'vgg16_cifar100': (15_028_644, 627_019_776),
  'resnet32_cifar10': (465_946, 138_773_760),
  'resnet18_imagenet': (11_685_225, 3_628_147_712),
  'mobilenet_cifar10': (3_201_335, 351_113_216),
  'mobilenet_imagenet': (4_217_110, 1_137_482_752),
  'vgg11_imagenet': (132_867_433, 15_218_188_288),
}


def spent(name, budget):
  model = models.get(name)
  variables = jax.eval_shape(model.init, jax.random.key(0))
  x = jax.ShapeDtypeStruct((1, *model.input_shape), np.float32)
  return shrinking.spent(model.apply, variables, x, budget=budget)


@pytest.mark.parametrize(('name', 'totals'), PUBLISHED.items())
def test_the_program_counts_what_cop_counts(name, totals):
  found = [
    sum(spent(name, budget).values()) for budget in ('cop_params', 'cop_flops')
  ]
  assert found == list(totals)
  assert sum(spent(name, 'flops').values()) == totals[1]


def test_cop_prints_resnet32_without_its_shortcuts():
  found = [
    sum(
      n
      for leaf, n in spent('resnet32_cifar10', b).items()
      if 'shortcut' not in leaf
    )
    for b in ('cop_params', 'cop_flops')
  ]
  assert found == [463_018, 137_725_184]
