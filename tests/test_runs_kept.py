"""What a run has made is not lost, and not taken for another run's."""

import numpy as np
import pytest

from prunax import convert
from prunax.errors import InputError
from prunax.runs import Run


def contents(folder):
  files = (path for path in folder.rglob('*') if path.is_file())
  return {path: path.read_bytes() for path in files}


@pytest.mark.parametrize('damage', ['missing', 'cut short'])
def test_overwrite_reads_the_start_before_it_removes(tmp_path, small, damage):
  Run(small.make(small.SHORT), tmp_path / 'before').execute()
  start = tmp_path / 'start.npz'
  artifact = tmp_path / 'before' / 'artifacts' / '0-dense.npz'
  start.write_bytes(artifact.read_bytes())
  config = small.make(small.SHORT, {'start': str(start)})
  run = Run(config, tmp_path / 'run')
  run.execute()
  kept = contents(tmp_path / 'run')
  if damage == 'missing':
    start.unlink()
  else:
    start.write_bytes(start.read_bytes()[:500])
  with pytest.raises(InputError, match=r'start\.npz'):
    Run(config, tmp_path / 'run').execute(overwrite=True)
  assert contents(tmp_path / 'run') == kept


def test_evaluate_refuses_the_folder_of_another_run(tmp_path, small):
  Run(small.make(small.SHORT), tmp_path).execute()
  other = Run(small.make(small.SHORT, {'seed': 4}), tmp_path)
  with pytest.raises(InputError, match='another config: it differs in seed'):
    other.evaluate()


def test_a_stage_done_anew_takes_the_later_ones_along(tmp_path, small):
  changes = {'stages': ('finetune',), 'finetune.steps': 6}
  config = small.make(small.SHORT, changes)
  run = Run(config, tmp_path)
  run.execute()
  kept = contents(run.folder.artifact_folder)
  run.folder.artifact(0, 'dense').unlink()
  run.folder.summary.unlink()
  stale = run.folder.artifact(1, 'finetune')
  tree, meta, _ = convert.load(stale)
  wrong = {
    k: {n: np.zeros_like(x) for n, x in v.items()} for k, v in tree.items()
  }
  convert.npz.save(stale, wrong, meta)
  Run(config, tmp_path).execute()
  assert contents(run.folder.artifact_folder).keys() == kept.keys()
  finetuned = convert.load(stale).tree
  assert any(np.any(x) for x in finetuned['ip1'].values())
