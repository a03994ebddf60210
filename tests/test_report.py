import io
import sys

import pytest

from prunax import report

COUNTS = ('count', 'evaluations', 'infeasible')


def stage(name, alive, ratio, **facts):
  return {
    'stage': name,
    'alive': alive,
    'size': 4000,
    'ratio': ratio,
    'ratio_weights': ratio,
    'error_percent': 0.913,
    'seconds': 61.25,
    'layers': [
      {'name': 'ip1', 'size': 3000, 'alive': alive, 'density': alive / 3000},
      {'name': 'ip2', 'size': 1000, 'alive': 0, 'density': 0.0},
    ],
    **facts,
  }


def summary(*stages):
  return {'config': 'mine', 'seed': 3, 'stages': list(stages)}


def cells(text, first):
  """The cells of the one row that begins with that word."""
  rows = [line.split('│') for line in text.splitlines() if '│' in line]
  found = [[c.strip() for c in row[1:-1]] for row in rows]
  found = [row for row in found if row[0] == first]
  assert len(found) == 1, text
  return found[0][1:]


def test_summary_by_hand():
  text = report.summary_text(summary(stage('dense', 3000, 4 / 3)))
  lines = text.splitlines()
  assert lines[0] == 'mine, seed 3'
  assert 'layers after dense, weights and biases together' in lines
  assert cells(text, 'dense') == [
    '3,000',
    '4,000',
    '1.3x',
    '1.3x',
    '0.91 %',
    '61.2',
  ]
  assert cells(text, 'ip1') == ['3,000', '3,000', '100.00%', '1.0x']
  assert cells(text, 'ip2') == ['0', '1,000', '0.00%', 'none left']
  assert 'spliced' not in text


def test_summary_adds_the_splices_of_all_stages():
  text = report.summary_text(
    summary(
      stage('first', 3000, 4 / 3, spliced={'ip1': 1000}),
      stage('second', 30, 400 / 3, spliced={'ip1': 234}),
    )
  )
  assert cells(text, 'ip1') == ['30', '3,000', '1.00%', '100.0x', '1,234']
  assert cells(text, 'ip2')[-1] == '0'


def test_summary_of_a_net_of_which_nothing_is_left():
  text = report.summary_text(summary(stage('all', 0, None)))
  assert cells(text, 'all')[2:4] == ['none left', 'none left']


def seed(number, alive, ratio, error):
  return {
    'seed': number,
    'alive': alive,
    'ratio': ratio,
    'ratio_weights': ratio,
    'ratio_bytes': 500.0,
    'error_percent': error,
    'wall_seconds': 10.0 * (number + 1),
  }


def test_seeds_have_median_and_spread():
  rows = [seed(0, 40, 100.0, 1.0), seed(1, 30, 133.3, 0.9)]
  rows.append(seed(2, 50, 80.0, 1.2))
  text = report.seeds_text('mine', rows)
  assert cells(text, '1') == [
    '30',
    '133.3x',
    '133.3x',
    '500.0x',
    '0.90 %',
    '20.0',
  ]
  assert cells(text, 'median') == [
    '40',
    '100.0x',
    '100.0x',
    '500.0x',
    '1.00 %',
    '20.0',
  ]
  assert cells(text, 'least') == [
    '30',
    '80.0x',
    '80.0x',
    '500.0x',
    '0.90 %',
    '10.0',
  ]
  assert cells(text, 'most') == [
    '50',
    '133.3x',
    '133.3x',
    '500.0x',
    '1.20 %',
    '30.0',
  ]


def test_a_seed_of_which_nothing_is_left_has_the_largest_ratio():
  rows = [seed(0, 40, 100.0, 1.0), seed(1, 0, None, 90.2), seed(2, 50, 80.0, 1)]
  text = report.seeds_text('mine', rows)
  assert cells(text, '1')[1] == 'none left'
  assert cells(text, 'median')[1] == '100.0x'
  assert cells(text, 'most')[1] == 'none left'


@pytest.mark.parametrize(
  ('values', 'middle'), [([5.0], 5.0), ([4, 1], 2.5), ([9, 1, 3, 2], 2.5)]
)
def test_median(values, middle):
  assert report.median(values) == middle


def test_tables_keep_to_the_characters_of_stdout(monkeypatch):
  ascii_only = io.TextIOWrapper(io.BytesIO(), 'ascii')
  monkeypatch.setattr(sys, 'stdout', ascii_only)
  text = report.summary_text(summary(stage('naïve', 3000, 4 / 3)))
  assert text.isascii() and 'na\\xefve' in text


def test_a_summary_tells_paths_units_and_the_paired_test():
  text = report.summary_text(
    summary(
      stage(
        'olmp',
        3000,
        4 / 3,
        effective=2_999,
        units={'ip1': [3, 7], 'ip2': [0, 10]},
        mcnemar={'lost': 4, 'won': 9, 'p': 0.2668},
        searches={'count': 2, 'evaluations': 1_202, 'infeasible': 1},
      )
    )
  )
  assert cells(text, 'ip1')[-1] == '3 of 7'
  *_, paths, paired, searches = text.splitlines()
  assert paths.startswith('2,999 of 3,000 weights lie on a path')
  assert paired == '4 answers of the start were lost, 9 won (McNemar p 0.27)'
  assert searches == (
    '2 searches, 1,202 evaluations, 1 without anything feasible'
  )


def test_a_summary_adds_the_searches_of_all_stages():
  text = report.summary_text(
    summary(
      stage('dense', 3000, 4 / 3),
      stage('one', 300, 40 / 3, searches=dict.fromkeys(COUNTS, 2)),
      stage('two', 200, 20.0, searches=dict.fromkeys(COUNTS, 3)),
      stage('recover', 200, 20.0),
    )
  )
  assert text.splitlines()[-1] == (
    '5 searches, 5 evaluations, 5 without anything feasible'
  )
