"""The networks of filter pruning: sizes, layers, and what widths do."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from prunax import models, tree
from prunax.errors import InputError
from prunax.models import layers, mobilenet, resnet, vgg

# What the release of COP counts of them: parameters and operations.
COUNTED = {
  'vgg16_cifar10': (14_982_474, 626_927_616),
  'vgg16_cifar100': (15_028_644, 627_019_776),
  'vgg11_imagenet': (132_867_433, 15_218_188_288),
  'resnet32_cifar10': (465_946, 138_773_760),
  'resnet18_imagenet': (11_685_225, 3_628_147_712),
  'mobilenet_cifar10': (3_201_335, 351_113_216),
  'mobilenet_imagenet': (4_217_110, 1_137_482_752),
}

SLIM = {
  'vgg16': lambda: vgg.vgg16('slim', [2, 3] * 7),
  'vgg11': lambda: vgg.vgg11('slim', [8, 9] * 5, 10, 0.1, 32),
  'resnet_v1': lambda: resnet.cifar_resnet('slim', 8, 1, (2, 3, 4)),
  'resnet_v2': lambda: resnet.cifar_resnet('slim', 8, 2, (2, 3, 4)),
  'resnet18': lambda: resnet.resnet18('slim', (2, 2, 3, 4), 10, 32),
  'mobilenet': lambda: mobilenet.cifar_mobilenet('slim', [2, 3] * 7),
}


def steps_of(jaxpr):
  """All steps of a traced program, those of its parts too."""
  for step in jaxpr.eqns:
    yield step
    for value in jax.tree.leaves(list(step.params.values())):
      inner = getattr(value, 'jaxpr', value)
      if hasattr(inner, 'eqns'):
        yield from steps_of(inner)


def counted(model):
  """Parameters and operations as COP counts: a bias everywhere, no norm."""
  variables = jax.eval_shape(model.init, jax.random.key(0))
  x = jnp.zeros((1, *model.input_shape))
  size = work = 0
  for step in steps_of(jax.make_jaxpr(model.apply)(variables, x).jaxpr):
    if step.primitive.name not in ('conv_general_dilated', 'dot_general'):
      continue
    kernel, out = step.invars[1].aval.shape, step.outvars[0].aval.shape
    # A depthwise kernel is one of a single output.
    depthwise = step.params.get('feature_group_count', 1) > 1
    size += math.prod(kernel) + (1 if depthwise else kernel[-1])
    work += 2 * math.prod(out) * math.prod(kernel[:-1])
  return size, work


def ready(name):
  """A slim model, weights of which none is 0, and two examples."""
  model, rng = SLIM[name](), np.random.default_rng(0)

  def drawn(leaf, shape):
    normal = rng.normal(size=shape).astype(np.float32)
    if len(shape) > 1:
      return normal * (2 / math.prod(shape[:-1])) ** 0.5
    # Norms that let a part of each channel through.
    return (
      abs(normal) + 0.5 if leaf.endswith(('/var', '/scale')) else 0.1 * normal
    )

  shapes = models.shapes(model)
  variables = tree.nest({leaf: drawn(leaf, shapes[leaf]) for leaf in shapes})
  x = rng.normal(size=(2, *model.input_shape)).astype(np.float32)
  return model, variables, x


@pytest.mark.parametrize('name', COUNTED)
def test_sizes_are_those_that_cop_counts(name):
  assert counted(models.get(name)) == COUNTED[name]


@pytest.mark.parametrize(
  ('name', 'millions', 'operations'),
  # He et al. (2015), table 6, and the multiply-adds that FPGM counts.
  [
    ('resnet20', 0.27, 40.6),
    ('resnet32_v1', 0.46, 68.9),
    ('resnet56', 0.85, 125.5),
  ],
)
def test_sizes_of_version_1_are_those_of_its_papers(name, millions, operations):
  size, work = counted(models.get(f'{name}_cifar10'))
  assert round(size / 1e6, 2) == pytest.approx(millions, abs=0.011)
  assert work / 2e6 == pytest.approx(operations, abs=0.1)


def is_average(leaf):
  return leaf.endswith(('/mean', '/var'))


@pytest.mark.parametrize('name', SLIM)
def test_training_reads_all_weights_and_moves_all_averages(name):
  model, variables, x = ready(name)
  key = jax.random.key(2)

  def total(variables, x):
    if model.statistics:
      logits, after = model.statistics(variables, x, key)
    else:
      logits = model.apply(variables, x, train=True, rngs=key)
      after = variables
    return jnp.sum(jax.nn.log_softmax(logits)[:, 0]), (logits, after)

  (_, (logits, after)), grads = jax.jit(
    jax.value_and_grad(total, has_aux=True)
  )(variables, x)
  assert logits.shape == (2, 10)
  assert (model.statistics is None) == (name == 'vgg11')
  moved = jax.tree.map(lambda a, b: bool(np.any(a != b)), variables, after)
  for leaf, there in tree.named_leaves(moved).items():
    assert there == is_average(leaf), leaf
  for leaf, g in tree.named_leaves(grads).items():
    assert np.any(g) != is_average(leaf), leaf


def test_settings_of_the_norms():
  widths = resnet.Widths(2, (2, 3), ((2,), (3,)))
  for build, settings in (
    (lambda rngs: vgg.VGG16([2] * 14, [0.0] * 10, 3, rngs), (1e-3, 0.99)),
    (
      lambda rngs: resnet.ResNet(widths, resnet._V1, 3, False, rngs),
      (1e-5, 0.9),
    ),
    (
      lambda rngs: resnet.ResNet(widths, resnet._V2, 3, False, rngs),
      (1e-5, 0.997),
    ),
    (
      lambda rngs: resnet.ResNet(widths, resnet._IMAGENET, 3, True, rngs),
      (1e-5, 0.997),
    ),
    (
      lambda rngs: mobilenet.MobileNet([2] * 14, mobilenet._CIFAR, 3, rngs),
      (1e-5, 0.9),
    ),
    (
      lambda rngs: mobilenet.MobileNet([2] * 14, mobilenet._IMAGENET, 3, rngs),
      (1e-3, 0.9997),
    ),
  ):
    net = nnx.eval_shape(lambda b=build: b(nnx.Rngs(0)))
    norms = [
      module
      for _, module in nnx.iter_modules(net)
      if isinstance(module, nnx.BatchNorm)
    ]
    assert {(norm.epsilon, norm.momentum) for norm in norms} == {settings}


def test_shortcuts_without_weights_by_hand():
  block = resnet.Block(2, 3, 4, 2, resnet._V1, True, nnx.Rngs(0))
  block.eval()
  block.conv2.kernel[...] = jnp.zeros((3, 3, 3, 4))
  x = jnp.arange(32.0).reshape(1, 4, 4, 2)
  # Every other pixel, and two channels of zeros after the two of the input.
  want = np.concatenate([x[:, ::2, ::2], np.zeros((1, 2, 2, 2))], -1)
  np.testing.assert_array_equal(block(x), want)


def test_which_shortcuts_have_weights():
  def found(model):
    names = models.shapes(model)
    return sorted(n for n in names if n.endswith('shortcut/kernel'))

  first = [f'block{i}_1/shortcut/kernel' for i in (1, 2, 3, 4)]
  assert found(models.get('resnet32_cifar10')) == first[:3]
  assert found(models.get('resnet56_cifar10')) == []
  assert found(models.get('resnet18_imagenet')) == first[1:]
  assert found(resnet.resnet18(stem=8)) == first


def test_where_vgg16_drops():
  def apply(rates, variables, x, key):
    model = vgg.vgg16('slim', [2, 3] * 7, dropout=rates)
    return model.apply(variables, x, train=True, rngs=key)

  _, variables, x = ready('vgg16')
  key = jax.random.key(0)
  for place in (None, 0, 7, 9):
    rates = tuple(0.5 if i == place else 0.0 for i in range(10))
    traced = jax.make_jaxpr(functools.partial(apply, rates))(variables, x, key)
    drawn = [
      step.outvars[0].aval.shape
      for step in steps_of(traced.jaxpr)
      if step.primitive.name == 'random_bits'
    ]
    # conv1_1, conv5_2, and before the last layer.
    where = {0: (2, 32, 32, 2), 7: (2, 2, 2, 3), 9: (2, 1, 1, 3)}
    assert drawn == ([] if place is None else [where[place]])


def without_first(leaves, names, axis):
  """The leaves of which some lose the first entry of an axis."""
  return leaves | {n: np.delete(leaves[n], 0, axis) for n in names}


def norm_of(path):
  return [f'{path}/{leaf}' for leaf in ('scale', 'bias', 'mean', 'var')]


def test_channels_that_are_cut_need_no_other_model():
  """A channel that nothing reads, and the same network without it."""
  model, variables, x = ready('mobilenet')
  leaves = tree.named_leaves(variables)
  # The second block's first output: its norms, the depthwise kernel after.
  read = 'block3/pointwise/kernel'
  leaves[read] = np.where(np.arange(2)[:, None] == 0, 0, leaves[read])
  outputs = ['block2/pointwise/kernel', 'block3/depthwise/kernel']
  small = without_first(
    leaves, [*outputs, *norm_of('block2/norm2'), *norm_of('block3/norm1')], -1
  )
  small = without_first(small, [read], -2)
  apply = jax.jit(model.apply)
  np.testing.assert_allclose(
    apply(tree.nest(small), x), apply(tree.nest(leaves), x), rtol=1e-4
  )


def test_a_rectifier_that_is_0_has_no_gradient():
  x = jnp.array([-1.0, 0.0, 1.0, 7.0])
  np.testing.assert_array_equal(layers.relu6(x), [0, 0, 1, 6])
  grads = jax.grad(lambda x: layers.relu6(x).sum())(x)
  np.testing.assert_array_equal(grads, [0, 0, 1, 0])


@pytest.mark.parametrize(
  ('build', 'said'),
  [
    (lambda: vgg.vgg16(widths=[4] * 13), 'widths must be 14'),
    (lambda: vgg.vgg16(dropout=[0.5]), 'dropout must be 10'),
    (lambda: vgg.vgg11(widths=[4]), 'widths must be 10'),
    (lambda: vgg.vgg11(image_size=100), 'multiple of 32'),
    (lambda: resnet.cifar_resnet(depth=18), 'depth must be'),
    (lambda: resnet.cifar_resnet(version=3), 'version must be'),
    (lambda: resnet.cifar_resnet(shortcut='none'), 'shortcut must be'),
    (lambda: resnet.cifar_resnet(depth=8, inner=[[4]]), 'inner must'),
    (lambda: mobilenet.cifar_mobilenet(widths=[4] * 13), 'widths must be 14'),
  ],
)
def test_bad_settings_are_refused(build, said):
  with pytest.raises(InputError, match=said):
    build()


def test_momentum_is_what_stays_of_a_running_average():
  kept, new = (
    resnet.cifar_resnet('slim', 8, widths=(2, 3, 4), momentum=m)
    for m in (0.75, 0.0)
  )
  variables = kept.init(jax.random.key(0))
  x = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype(np.float32)
  before, after, fresh = (
    tree.named_leaves(v)['norm0/mean']
    for v in (
      variables,
      kept.statistics(variables, x)[1],
      new.statistics(variables, x)[1],
    )
  )
  assert np.abs(fresh - before).max() > 1e-3
  np.testing.assert_allclose(after, 0.75 * before + 0.25 * fresh, rtol=1e-5)
