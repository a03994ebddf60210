"""INQ on the published models: counts, ranges and accuracies."""

import jax
import jax.numpy as jnp
import pytest

from prunax import convert, data, evaluation, models, transforms, tree

PUBLISHED = {
  'lenet5_reference': {
    'highest': {
      'conv1/kernel': -1,
      'conv2/kernel': -2,
      'ip1/kernel': -3,
      'ip2/kernel': -2,
      'conv1/bias': -2,
      'conv2/bias': -3,
      'ip1/bias': -6,
      'ip2/bias': -4,
    },
    'counts': {
      0.3: ((150, 6), (7_500, 15), (120_000, 150), (1_500, 3)),
      0.5: ((250, 10), (12_500, 25), (200_000, 250), (2_500, 5)),
      1.0: ((500, 20), (25_000, 50), (400_000, 500), (5_000, 10)),
    },
    'accuracy': {0.3: 0.9896, 0.5: 0.9898, 1.0: 0.9895},
    'zeros': {
      'conv1/kernel': 8,
      'conv2/kernel': 1_240,
      'ip1/kernel': 13_837,
      'ip2/kernel': 148,
    },
  },
  'lenet5_dns_sparse': {
    'highest': {
      'conv1/kernel': 0,
      'conv2/kernel': -1,
      'ip1/kernel': -1,
      'ip2/kernel': 0,
    },
    'counts': {
      0.3: ((22, 1), (231, 3), (876, 1), (64, 1)),
      1.0: ((72, 2), (770, 9), (2_920, 3), (215, 2)),
    },
    'accuracy': {0.3: 0.9809, 0.5: 0.9806, 1.0: 0.9820},
    'zeros': {},
  },
}


def released(models_dir, name):
  path = models_dir / f'{name}.caffemodel'
  if not path.exists():
    pytest.skip(f'{path} is not there')
  return jax.tree.map(jnp.asarray, convert.load(path).tree)


def like_the_release(weights, portions):
  return transforms.quantize(
    weights, [('.*', 7)], portions, zero_cut='seed', biases=True
  )


@pytest.fixture(scope='module')
def accuracy(mnist_dir):
  """The share of right answers of LeNet-5 on the test images."""
  x, y = data.load('mnist', mnist_dir).test
  model = models.get('lenet5')

  def measured(weights):
    guesses = evaluation.predict(model.apply, weights, x, data.scale)
    return evaluation.score(guesses, y)['accuracy']

  return measured


@pytest.mark.parametrize('name', PUBLISHED)
def test_what_the_release_quantizes(models_dir, name):
  want, weights = PUBLISHED[name], released(models_dir, name)
  for portion, counts in want['counts'].items():
    quantized, state = like_the_release(weights, (portion,))
    found = tree.named_leaves(
      jax.tree.map(lambda a, b: int((a & ~b).sum()), state.mask, state.free)
    )
    layers = zip(('conv1', 'conv2', 'ip1', 'ip2'), counts, strict=True)
    for layer, pair in layers:
      got = found[f'{layer}/kernel'], found[f'{layer}/bias']
      assert got == pair, (layer, portion)
    highest = transforms.highest_exponents(state)
    assert want['highest'].items() <= highest.items()
  zeros = {x.name: x.size - x.alive for x in tree.count(quantized)}
  assert want['zeros'].items() <= zeros.items()


@pytest.mark.parametrize(
  ('name', 'portion'),
  [(n, p) for n, x in PUBLISHED.items() for p in x['accuracy']],
)
def test_what_the_release_is_worth(models_dir, accuracy, name, portion):
  quantized, _ = like_the_release(released(models_dir, name), (portion,))
  assert accuracy(quantized) == PUBLISHED[name]['accuracy'][portion]


def test_in_four_portions_it_is_worth_the_same(models_dir, accuracy):
  weights = released(models_dir, 'lenet5_reference')
  assert accuracy(like_the_release(weights, (0.3, 0.6, 0.8, 1.0))[0]) == 0.9895
