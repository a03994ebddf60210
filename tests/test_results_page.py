"""The pages say what the result files say."""

import numpy as np
import pytest

from experiments import results_page
from experiments.filter_rows import FILTER_ROWS

RESULTS = results_page.load(results_page.ROOT / 'results')


def test_the_pages_are_what_the_files_give():
  docs = results_page.ROOT / 'docs' / 'results.md'
  assert docs.read_text() == results_page.page(RESULTS)
  text = (results_page.ROOT / 'README.md').read_text()
  assert '<!-- results -->' in text
  assert text == results_page.readme(text, RESULTS)


@pytest.mark.parametrize('config', RESULTS)
def test_a_result_file_agrees_with_itself(config):
  rows = (*results_page.ROWS, *FILTER_ROWS)
  assert config in {row.config for row in rows}
  for result in RESULTS[config]:
    last = result['stages'][-1]
    assert result['ratio'] == result['size'] / result['alive']
    assert result['alive'] == sum(row['alive'] for row in last['layers'])
    path = results_page.ROOT / 'results' / result['predictions']
    predictions = np.load(path)['predictions']
    assert predictions.shape == (10_000,)


@pytest.mark.parametrize('config', RESULTS)
def test_predictions_give_the_error(config, data_dir):
  from prunax import data

  folders = {'cifar10': 'cifar-10-batches-bin', 'mnist': 'mnist'}
  name = 'cifar10' if 'cifar10' in config else 'mnist'
  if not (data_dir / folders[name]).exists():
    pytest.skip(f'{data_dir} has no {name}, whose labels are needed')
  labels = data.load(name, data_dir).test.y
  for result in RESULTS[config]:
    path = results_page.ROOT / 'results' / result['predictions']
    wrong = np.mean(np.load(path)['predictions'] != labels)
    assert round(100 * wrong, 6) == round(result['error_percent'], 6)
