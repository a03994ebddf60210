"""PFA: its order, its energies and its shares, against slow oracles."""

import itertools

import numpy as np
import pytest

from prunax import shrinking
from prunax.errors import InputError
from prunax.shrinking import principal

RNG = np.random.default_rng(0)


def correlated(examples, size, rank):
  """Responses that few hidden causes make, with some noise."""
  causes = RNG.normal(size=(examples, rank)) @ RNG.normal(size=(rank, size))
  return causes + 0.3 * RNG.normal(size=(examples, size))


def slow_order(x):
  """All correlations anew for each that is dropped."""
  left, order = list(range(x.shape[1])), []
  for k in list(left):
    if np.ptp(x[:, k]) == 0:
      order.append(k)
      left.remove(k)
  while left:
    if len(left) > 1:
      r = np.abs(np.corrcoef(x[:, left].T))
      np.fill_diagonal(r, 0)
      worst = left[int(r.sum(0).argmax())]
    else:
      (worst,) = left
    order.append(worst)
    left.remove(worst)
  return order


def test_the_most_correlated_goes_first():
  x = correlated(50, 9, 3)
  assert principal.drop_order(x).tolist() == slow_order(x)


def test_constants_go_before_all():
  x = correlated(20, 5, 2)
  x[:, 1], x[:, 3] = 0.1, 0.0
  assert principal.drop_order(x.astype(np.float32))[:2].tolist() == [1, 3]


def test_the_spectrum_is_that_of_the_covariance():
  x = correlated(30, 6, 2)
  values = np.sort(np.linalg.eigvals(np.cov(x.T)).real)[::-1]
  np.testing.assert_allclose(
    principal.spectrum(x), values / values.sum(), rtol=1e-6
  )
  assert principal.spectrum(np.ones((4, 3))).tolist() == [1, 0, 0]


def chain(sizes):
  """A net whose responses are given, so that its weights do not matter."""
  names = [f'w{i}' for i in range(len(sizes))]
  widths = [3, *sizes]
  net = {
    n: np.ones((a, b))
    for n, a, b in zip(names, widths[:-1], widths[1:], strict=True)
  }
  net['x'] = np.ones((widths[-1], 2))

  def apply(v, x):
    for name in [*names, 'x']:
      x = x @ v[name]
    return x

  return apply, net, np.ones((1, 3))


@pytest.fixture(scope='module')
def case():
  sizes = [12, 8, 16]
  apply, net, x = chain(sizes)
  given = {f'w{i}': correlated(60, n, 2 + i) for i, n in enumerate(sizes)}
  return apply, net, x, given


def fewest(x, energy):
  """[size] the fewest channels whose eigenvalues have an energy."""
  values = np.sort(np.linalg.eigvals(np.cov(x.T)).real)[::-1]
  parts = np.cumsum(values) / values.sum()
  mask = np.zeros(x.shape[1], bool)
  mask[slow_order(x)[::-1][: int((parts < energy).sum()) + 1]] = True
  return mask


def cost(keep):
  widths = [3, *(int(mask.sum()) for mask in keep), 2]
  return 2 * sum(a * b for a, b in itertools.pairwise(widths))


def bisected(given, budget):
  """The most energy for all layers that a budget allows."""
  low, high = 0.0, 1.0
  for _ in range(60):
    middle = (low + high) / 2
    keep = [fewest(x, middle) for x in given.values()]
    low, high = (middle, high) if cost(keep) <= budget else (low, middle)
  return low, [fewest(x, low) for x in given.values()]


@pytest.mark.parametrize('density', [0.3, 0.5, 0.8])
def test_a_budget_is_one_energy_for_all_layers(case, density):
  apply, net, x, given = case
  small = shrinking.shrink(
    apply, net, x, density=density, score=shrinking.pfa_energy(given)
  )
  budget = density * small.report.before['flops']
  _, keep = bisected(given, budget)
  kept = [small.report.plan.kept[name][1] for name in given]
  # What fits in what is left of the budget comes back, best first.
  energies = {
    name: np.cumsum(principal.spectrum(x)) for name, x in given.items()
  }
  while True:
    fits = []
    for i, (name, x) in enumerate(given.items()):
      n = int(keep[i].sum())
      if n < len(keep[i]):
        more = list(keep)
        more[i] = keep[i].copy()
        more[i][slow_order(x)[::-1][n]] = True
        if cost(more) <= budget:
          fits.append((energies[name][n - 1], i, more))
    if not fits:
      break
    keep = min(fits, key=lambda f: f[0])[2]
  for mask, wanted in zip(kept, keep, strict=True):
    assert mask.tolist() == wanted.tolist()


def test_scores_above_a_line_are_the_fewest_of_an_energy(case):
  apply, net, x, given = case
  score = shrinking.pfa_energy(given)
  groups = [g for g in shrinking.channels(apply, net, x) if g.prunable]
  for energy in (0.5, 0.9, 0.99):
    for group in groups:
      mask = score(net, group) > 1 - energy
      wanted = fewest(given[group.id], energy)
      assert mask.tolist() == wanted.tolist()


def test_kl_keeps_a_share_by_the_spectrum(case):
  apply, net, x, given = case
  keep = shrinking.pfa_kl(given)
  for name, mask in keep.items():
    n = len(mask)
    p = principal.spectrum(given[name])
    kl = sum(q * np.log(q * n) for q in p if q > 0)
    assert mask.sum() == round(n * (1 - kl / np.log(n))) < n
    order = slow_order(given[name])
    assert mask[order[-int(mask.sum()) :]].all()
  small = shrinking.shrink(apply, net, x, keep=keep)
  assert small.variables['w1'].shape == (keep['w0'].sum(), keep['w1'].sum())


def test_kl_keeps_all_of_what_is_equal_and_one_of_what_is_the_same():
  signs = np.array(np.meshgrid(*[[-1, 1]] * 4)).reshape(4, -1).T
  same = np.repeat(RNG.normal(size=(9, 1)), 4, 1)
  keep = shrinking.pfa_kl({'free': signs, 'same': same, 'dead': same * 0})
  assert [int(mask.sum()) for mask in keep.values()] == [4, 1, 1]
  assert shrinking.pfa_kl({'one': same[:, :1]})['one'].tolist() == [True]


def test_channels_without_energy_go_in_the_order_in_which_they_are_dropped():
  apply, net, x = chain([6])
  group = shrinking.channels(apply, net, x)[0]
  given = correlated(3, 6, 2)
  found = shrinking.pfa_energy({'w0': given})(net, group)
  assert np.argsort(found).tolist() == principal.drop_order(given).tolist()


def test_responses_must_be_those_of_the_model(case):
  apply, net, x, given = case
  with pytest.raises(InputError, match="8 channels of 'w1', got none"):
    shrinking.shrink(
      apply,
      net,
      x,
      density=0.5,
      score=shrinking.pfa_energy({'w0': given['w0']}),
    )
  with pytest.raises(InputError, match="12 channels of 'w0', got the shape"):
    shrinking.shrink(
      apply,
      net,
      x,
      density=0.5,
      score=shrinking.pfa_energy({**given, 'w0': given['w1']}),
    )
  with pytest.raises(InputError, match='two examples at least'):
    shrinking.pfa_kl({'w0': np.ones((1, 4))})
