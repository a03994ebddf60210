"""OLMP on a model that is not in the zoo: `python examples/own_model_olmp.py`.

Two matrices in a dict, on scikit-learn's breast cancer table; a few seconds.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from sklearn.datasets import load_breast_cancer

import prunax


def apply(params, x):
  hidden = jax.nn.relu(x @ params['in']['kernel'] + params['in']['bias'])
  return hidden @ params['out']['kernel'] + params['out']['bias']


def loss(params, batch):
  logits, y = apply(params, batch[0]), batch[1]
  return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()


def layer(key, n, m):
  kernel = jax.random.normal(key, (n, m)) / np.sqrt(n)
  return {'kernel': kernel, 'bias': jnp.zeros(m)}


def main():
  x, y = load_breast_cancer(return_X_y=True)
  x = ((x - x.mean(0)) / x.std(0)).astype(np.float32)
  order = np.random.default_rng(0).permutation(len(y))
  train, held, test = order[:300], order[300:430], order[430:]
  one, two, three = jax.random.split(jax.random.key(0), 3)
  params = {'in': layer(one, 30, 64), 'out': layer(two, 64, 2)}
  batches = [(x[rows], y[rows]) for rows in np.split(train, 10)]
  tx, slope = optax.sgd(0.05, momentum=0.9), jax.jit(jax.grad(loss))
  state = tx.init(params)
  for batch in batches * 30:
    updates, state = tx.update(slope(params, batch), state)
    params = optax.apply_updates(params, updates)

  def accuracy(params, rows=held):
    return jnp.mean(jnp.argmax(apply(params, x[rows]), -1) == y[rows])

  rules = [('.*/kernel', prunax.Surgery(c_rate=0.0)), ('.*', None)]
  budget = {'steps': 1_000, 'every': 100, 'delta': 0.01}
  found = prunax.olmp(
    params, loss, batches, accuracy, tx, rules, three, **budget
  )
  alive = sum(int((w != 0).sum()) for w in jax.tree.leaves(found.params))
  before, after = accuracy(params, test), accuracy(found.params, test)
  print(f'{alive} weights, accuracy {before:.4f} to {after:.4f}')


if __name__ == '__main__':
  main()
