"""The lines of the table of results, and what others published for them."""

from typing import NamedTuple


class Row(NamedTuple):
  """A line of the table: a config, and what others published for it."""

  config: str
  file: str
  what: str
  published: str
  source: str


ROWS = (
  Row(
    'lenet300_dns',
    'lenet300_dns.py',
    'LeNet-300-100, surgery',
    '56x at 1.99 %',
    'Guo et al. 2016, Table 1',
  ),
  Row(
    'lenet300_dns_own',
    'lenet300_dns.py:own',
    'the same from our own dense start',
    '56x at 1.99 %',
    'Guo et al. 2016, Table 1',
  ),
  Row(
    'lenet300_dns_tuned',
    'lenet300_dns.py:tuned',
    'LeNet-300-100, surgery, a solver of our own',
    '56x at 1.99 %',
    'Guo et al. 2016, Table 1',
  ),
  Row(
    'lenet300_dns_tuned_own',
    'lenet300_dns.py:tuned_own',
    'the same from our own dense start',
    '56x at 1.99 %',
    'Guo et al. 2016, Table 1',
  ),
  Row(
    'lenet5_dns',
    'lenet5_dns.py',
    'LeNet-5, surgery',
    '108x at 0.91 %',
    'Guo et al. 2016, Table 1',
  ),
  Row(
    'lenet5_dns_own',
    'lenet5_dns.py:own',
    'the same from our own dense start',
    '108x at 0.91 %',
    'Guo et al. 2016, Table 1',
  ),
  Row(
    'lenet5_dns_gaussian',
    'lenet5_dns_gaussian.py',
    'LeNet-5, gaussian windows',
    'none',
    'HolmesShuan 2018',
  ),
  Row(
    'lenet5_dns_two_phase',
    'lenet5_dns_two_phase.py',
    'LeNet-5, convolutions first, then the rest',
    'none',
    'the order of Guo et al. 2016 for AlexNet',
  ),
  Row(
    'lenet300_olmp_compat',
    'lenet300_olmp.py:compat',
    'LeNet-300-100, OLMP as released',
    '113.5x at 2.18 %, the best seed',
    'Li et al. 2018, the released file',
  ),
  Row(
    'lenet300_olmp',
    'lenet300_olmp.py',
    'LeNet-300-100, OLMP with a search that works',
    '113.5x at 2.18 %, the best seed',
    'Li et al. 2018, the released file',
  ),
  Row(
    'lenet5_olmp_compat',
    'lenet5_olmp.py:compat',
    'LeNet-5, OLMP as released',
    '297.7x at 0.91 %, the best seed',
    'Li et al. 2018, the released file',
  ),
  Row(
    'lenet5_olmp',
    'lenet5_olmp.py',
    'LeNet-5, OLMP with a search that works',
    '297.7x at 0.91 %, the best seed',
    'Li et al. 2018, the released file',
  ),
  Row(
    'lenet300_best',
    'lenet300_best.py',
    'LeNet-300-100, OLMP, then pruned to a count',
    '113.5x at 2.18 %',
    'Li et al. 2018, the released file',
  ),
  Row(
    'lenet300_best_taught',
    'lenet300_best.py:taught',
    'LeNet-300-100, the same, with LeNet-5 as its teacher',
    '113.5x at 2.18 %',
    'Li et al. 2018, the released file, which had no teacher',
  ),
  Row(
    'lenet5_best',
    'lenet5_best.py',
    'LeNet-5, OLMP, then pruned to a count',
    '297.7x at 0.91 %',
    'Li et al. 2018, the released file',
  ),
)
