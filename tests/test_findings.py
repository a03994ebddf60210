"""What is said of a search, by hand."""

import pytest

from prunax import findings

FOUND = {
  'step': 500,
  'ratio': 12.34,
  'evaluations': 161,
  'empty': [],
  'feasible': True,
  'accuracy': 0.98,
  'reference': 0.985,
  'floor': 0.975,
  'delta': 0.01,
}
MISSED = FOUND | {
  'feasible': False,
  'redrawn': False,
  'nearest': {'ratio': 20.0, 'delta': 0.01231, 'emptied': False},
}


@pytest.mark.parametrize(
  ('record', 'said'),
  [
    (
      FOUND,
      'the search before step 500 found compression 12.3x at accuracy 0.9800'
      ' (at least 0.9750)',
    ),
    (
      FOUND | {'evaluations': 0},
      'no search before step 500: fewer than two layers were drawn',
    ),
    (
      MISSED,
      'the search before step 500 must stay within 0.01 of the accuracy 0.9850,'
      ' and the best found, with 20.0x, loses 0.0123: the thresholds stay, with'
      ' 12.3x, and surgery goes on with them; a delta of 0.0124 would let it'
      ' pass, or more training between searches',
    ),
    (
      MISSED
      | {'redrawn': True, 'nearest': MISSED['nearest'] | {'emptied': True}},
      'the search before step 500 must stay within 0.01 of the accuracy 0.9850,'
      ' and the best found, with 20.0x, empties a layer: its masks are taken as'
      ' in the release; lower `upper`, or allow_empty',
    ),
    (
      MISSED
      | {
        'ratio': None,
        'empty': ['ip1', 'ip2'],
        'nearest': MISSED['nearest'] | {'emptied': True, 'ratio': None},
      },
      'the search before step 500 must stay within 0.01 of the accuracy 0.9850,'
      " and the best found, with none left, does not bring back 'ip1', 'ip2',"
      ' which surgery emptied before: the thresholds stay, with none left, and'
      ' surgery goes on with them; search more often, lower the rate or the'
      ' weight decay, or allow_empty',
    ),
    (
      MISSED | {'nearest': MISSED['nearest'] | {'delta': None}},
      'the search before step 500 must stay within 0.01 of the accuracy 0.9850,'
      ' and no candidate has an accuracy that is a finite number: the'
      ' thresholds stay, with 12.3x, and surgery goes on with them; make the'
      ' accuracy function give one for pruned weights too',
    ),
    (
      FOUND | {'ratio': None},
      'the search before step 500 found that nothing is left at accuracy 0.9800'
      ' (at least 0.9750)',
    ),
  ],
)
def test_the_sentence_of_a_search(record, said):
  assert findings.sentence(record) == said


@pytest.mark.parametrize(
  ('accuracy', 'floor', 'said'),
  [
    (0.95, 0.95, 'the end: accuracy 0.9500 (at least 0.9500)'),
    (0.9499, 0.95, 'the end: accuracy 0.9499, below the 0.9500 that searches'),
    (0.95, None, 'the end: accuracy 0.9500, and no search was made'),
    (float('nan'), 0.95, 'the end: accuracy nan, where searches hold 0.9500'),
  ],
)
def test_the_sentence_of_the_end(accuracy, floor, said):
  assert findings.ending(accuracy, floor).startswith(said)
