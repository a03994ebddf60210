"""What is said of a search, by hand."""

import pytest

from prunax import findings

FOUND = {
  'step': 500,
  'ratio': 12.34,
  'evaluations': 161,
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
      ' and the best found, at 20.0x, loses 0.0123: the masks stay at 12.3x; a'
      ' delta of 0.0124 would let it pass, or more training between searches',
    ),
    (
      MISSED
      | {'redrawn': True, 'nearest': MISSED['nearest'] | {'emptied': True}},
      'the search before step 500 must stay within 0.01 of the accuracy 0.9850,'
      ' and the best found, at 20.0x, empties a layer: its masks are taken as'
      ' in the release; lower `upper`, or allow_empty',
    ),
  ],
)
def test_the_sentence_of_a_search(record, said):
  assert findings.sentence(record) == said
