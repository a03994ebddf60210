import numpy as np

from prunax import costs, tree

NET = {
  'conv1': {'bias': np.array([0.0, 2.0]), 'kernel': np.eye(2)},
  'ip1': {'bias': np.zeros(1), 'kernel': np.array([[3.0, 0.0, 0.0]])},
}
COUNTS = tree.count(NET)


def test_ratio_and_density_by_hand():
  assert costs.ratio(10, 4) == 2.5
  assert costs.ratio(10, 0) is None
  assert tree.density(10, 4) == 0.4
  assert tree.density(10, 0) == 0.0
  assert tree.density(0, 0) == 1.0


def test_by_leaf():
  rows = costs.by_leaf(COUNTS, tree.distinct(NET))
  assert rows[1] == {
    'name': 'conv1/kernel',
    'shape': [2, 2],
    'size': 4,
    'alive': 2,
    'density': 0.5,
    'values': 1,
    'bytes': None,
  }
  assert [row['alive'] for row in rows] == [1, 2, 0, 1]
  assert [row['values'] for row in rows] == [1, 1, 0, 1]


def test_by_leaf_of_a_compressed_file():
  taken = {leaf.name: 10 * i for i, leaf in enumerate(COUNTS)}
  rows = costs.by_leaf(COUNTS, tree.distinct(NET), taken)
  assert [row['bytes'] for row in rows] == [0, 10, 20, 30]


def test_bytes_of_a_compressed_file():
  assert costs.stored({'size': 100}, 32) == {'bytes': 32, 'ratio_bytes': 12.5}
  assert costs.stored({'size': 60, 'averages': 40}, 32)['ratio_bytes'] == 12.5
  assert costs.stored({'size': 100}, None) == {
    'bytes': None,
    'ratio_bytes': None,
  }


def test_by_layer_counts_weights_and_biases_together():
  assert costs.by_layer(COUNTS) == [
    {'name': 'conv1', 'size': 6, 'alive': 3, 'density': 0.5},
    {'name': 'ip1', 'size': 4, 'alive': 1, 'density': 0.25},
  ]


def test_total_counts_kernels_apart():
  assert costs.total(COUNTS) == {
    'size': 10,
    'alive': 4,
    'ratio': 2.5,
    'ratio_weights': 7 / 3,
  }


def test_total_of_a_net_that_was_cut():
  uncut = {
    'conv1/bias': 10,
    'conv1/kernel': 50,
    'ip1/bias': 10,
    'ip1/kernel': 100,
  }
  total = costs.total(COUNTS, uncut)
  assert (total['size'], total['alive']) == (170, 4)
  assert (total['ratio'], total['ratio_weights']) == (42.5, 50.0)


def test_total_where_nothing_is_left():
  total = costs.total(tree.count({'fc': {'kernel': np.zeros((2, 2))}}))
  assert total == {'size': 4, 'alive': 0, 'ratio': None, 'ratio_weights': None}


def test_total_where_only_biases_are_left():
  net = {'fc': {'bias': np.ones(2), 'kernel': np.zeros((2, 2))}}
  total = costs.total(tree.count(net))
  assert (total['ratio'], total['ratio_weights']) == (3.0, None)
