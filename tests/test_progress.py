"""How far a stage is: plain lines, or a bar on a terminal."""

import pytest

from prunax.progress import StageProgress

METRICS = {'loss': 0.25, 'accuracy': 0.5, 'density': 0.125}


@pytest.fixture
def show(capsys):
  """Shows a stage of 20 steps that was resumed at 5; gives what it printed."""

  def run():
    with StageProgress('surgery', 5, 20) as bar:
      for step in (10, 15, 20):
        bar.show(step, METRICS)
    out, err = capsys.readouterr()
    assert out == ''
    return err

  return run


def test_without_a_terminal_there_are_plain_lines(show, monkeypatch):
  for name in ('FORCE_COLOR', 'TTY_COMPATIBLE'):
    monkeypatch.delenv(name, raising=False)
  (line,) = show().splitlines()
  assert line.startswith('surgery: step 20/20  loss 0.2500  accuracy 50.00%')
  assert 'density 12.50%' in line
  assert 'steps/s' in line
  assert line.endswith('0 s left')


def test_on_a_terminal_there_is_a_bar(show, monkeypatch):
  monkeypatch.setenv('FORCE_COLOR', '1')
  monkeypatch.setenv('COLUMNS', '200')
  text = show()
  for word in ('surgery', '20/20', 'steps/s', 'loss 0.2500', '0:00:00'):
    assert word in text
