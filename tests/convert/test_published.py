import numpy as np
import pytest

from prunax import convert, tree


def _counts(path):
  counts = tree.count(convert.load(path).tree)
  return {c.name: (c.shape, c.alive) for c in counts}


def test_lenet5_reference(models_dir):
  counts = _counts(models_dir / 'lenet5_reference.caffemodel')
  assert {name: shape for name, (shape, _) in counts.items()} == {
    'conv1/kernel': (5, 5, 1, 20),
    'conv1/bias': (20,),
    'conv2/kernel': (5, 5, 20, 50),
    'conv2/bias': (50,),
    'ip1/kernel': (800, 500),
    'ip1/bias': (500,),
    'ip2/kernel': (500, 10),
    'ip2/bias': (10,),
  }
  assert sum(alive for _, alive in counts.values()) == 431080


def test_lenet300100_reference(models_dir):
  counts = _counts(models_dir / 'lenet300100_reference.caffemodel')
  assert {name: shape for name, (shape, _) in counts.items()} == {
    'ip1/kernel': (784, 300),
    'ip1/bias': (300,),
    'ip2/kernel': (300, 100),
    'ip2/bias': (100,),
    'ip3/kernel': (100, 10),
    'ip3/bias': (10,),
  }
  assert sum(alive for _, alive in counts.values()) == 266610


def test_the_published_sparse_lenet5(models_dir):
  counts = _counts(models_dir / 'lenet5_dns_sparse.caffemodel')
  alive = {name: alive for name, (_, alive) in counts.items()}
  assert alive == {
    'conv1/kernel': 72,
    'conv1/bias': 2,
    'conv2/kernel': 770,
    'conv2/bias': 9,
    'ip1/kernel': 2920,
    'ip1/bias': 3,
    'ip2/kernel': 215,
    'ip2/bias': 2,
  }
  assert sum(alive.values()) == 3993
  assert sum(int(np.prod(shape)) for shape, _ in counts.values()) == 431080


@pytest.mark.parametrize(
  'model, layer, n, mean, deviation',
  [
    ('lenet5_reference', 'conv1', 520, 0.18603409, 0.11688530),
    ('lenet5_reference', 'conv2', 25050, 0.03399585, 0.02424894),
    ('lenet5_reference', 'ip1', 400500, 0.02186690, 0.01342471),
    ('lenet5_reference', 'ip2', 5010, 0.05773940, 0.04210235),
    ('lenet300100_reference', 'ip1', 235500, 0.02449678, 0.01746798),
    ('lenet300100_reference', 'ip2', 30100, 0.04706922, 0.03450840),
    ('lenet300100_reference', 'ip3', 1010, 0.18891123, 0.14173805),
  ],
)
def test_moments_of_the_references(
  models_dir, model, layer, n, mean, deviation
):
  leaves = convert.load(models_dir / f'{model}.caffemodel').tree[layer]
  both = np.concatenate([leaf.ravel() for leaf in leaves.values()])
  size = np.abs(both[both != 0].astype(np.float64))
  assert len(size) == n
  assert size.mean() == pytest.approx(mean, abs=6e-9)
  assert size.std() == pytest.approx(deviation, abs=6e-9)
