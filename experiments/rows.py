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
  Row(
    'lenet300_inq',
    'lenet300_inq.py',
    'LeNet-300-100, all weights of 4 bits by INQ',
    'none',
    'Zhou et al. 2017 report ImageNet alone',
  ),
  Row(
    'lenet300_inq_dns',
    'lenet300_inq.py:dns',
    'LeNet-300-100, surgery, then 4 bits by INQ',
    'none',
    'Zhou et al. 2017 report ImageNet alone',
  ),
  Row(
    'lenet5_inq',
    'lenet5_inq.py',
    'LeNet-5, all weights of 4 bits by INQ',
    'none',
    'Zhou et al. 2017 report ImageNet alone',
  ),
  Row(
    'lenet5_dns_inq',
    'lenet5_dns_inq.py',
    'LeNet-5, surgery, then 4 bits by INQ',
    'none',
    'Zhou et al. 2017 report ImageNet alone',
  ),
  Row(
    'lenet5_qat',
    'lenet5_qat.py',
    'LeNet-5, all kernels of 4 bits, straight-through',
    'none',
    'Bengio et al. 2013 quantize no weights',
  ),
  Row(
    'lenet5_qat_dns',
    'lenet5_qat.py:dns',
    'LeNet-5, surgery, then 4 bits, straight-through',
    'none',
    'Bengio et al. 2013 quantize no weights',
  ),
  Row(
    'lenet5_deep_compression',
    'lenet5_deep_compression.py',
    'LeNet-5, Deep Compression with trained levels',
    '12x and 39x fewer bytes at 0.74 %',
    'Han et al. 2016, Table 1; the demonstration that the config follows:'
    ' 9.3x at 0.94 %',
  ),
  Row(
    'lenet300_smallest',
    'lenet300_smallest.py',
    'LeNet-300-100, the smallest file',
    '40x fewer bytes at 1.58 %',
    'Han et al. 2016, Table 1',
  ),
  Row(
    'lenet300_smallest_taught',
    'lenet300_smallest.py:taught',
    'LeNet-300-100, the smallest file, with LeNet-5 as its teacher',
    '40x fewer bytes at 1.58 %',
    'Han et al. 2016, Table 1',
  ),
  Row(
    'lenet5_smallest',
    'lenet5_smallest.py',
    'LeNet-5, the smallest file',
    '1,110x fewer bytes at 0.96 %',
    'Havasi et al. 2019, MIRACLE',
  ),
)
