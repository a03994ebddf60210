"""What a config must be, said before anything is done."""

import numpy as np
import pytest

from prunax import plan
from prunax.errors import InputError
from prunax.runs import Run

REFUSED = [
  ({'model': 'resnet50'}, "'resnet50'"),
  ({'data.name': 'cifar'}, "'cifar'"),
  ({'data.order': 'random'}, "'random'"),
  ({'data.batch': 0}, 'batch'),
  ({'data.batch': 1438}, '1437'),
  ({'data.validation': -1}, '-1'),
  ({'data.validation': 1437}, '1437'),
  ({'seed': -1}, 'seed'),
  ({'block': 0}, "'block'"),
  ({'checkpoint_every': 0}, "'checkpoint_every'"),
  ({'checkpoint_every': None}, "'checkpoint_every'"),
  ({'block': True}, "'block'"),
  ({'data.batch': None}, "'data.batch'"),
  ({'data': 'digits'}, "'data'"),
  ({'name': '../x'}, "'name'"),
  ({'stages': 'finetune'}, "'stages'"),
  ({'stages': ('quantize',)}, "'quantize'"),
  ({'stages': ('a/b',)}, "'a/b'"),
  ({'stages': ('seed',)}, "'seed'"),
  ({'finetune.kind': None}, 'kind'),
  ({'finetune.kind': 'quantize'}, "'quantize'"),
  ({'finetune.steps': 0}, "'finetune.steps'"),
  ({'finetune.steps': 1.5}, "'finetune.steps'"),
  ({'finetune.steps': None}, 'steps'),
  ({'finetune.rules': ()}, "'rules'"),
  ({'finetune.optimizer': 'sgd'}, "'finetune'"),
  ({'finetune.optimizer.name': 'sgdm'}, "'sgdm'"),
  ({'finetune.optimizer.momentun': 0.9}, 'momentun'),
  ({'finetune.optimizer.schedule': {'policy': 'fix'}}, "'fix'"),
  ({'finetune.optimizer.iter_size': 0}, 'iter_size'),
  ({'surgery.rules': (('conv.*', {}), ('.*', None))}, "'conv.*'"),
  ({'surgery.rules': (('ip1/.*', {}),)}, "'ip2/bias'"),
  ({'surgery.rules': (('(', {}),)}, "'('"),
  ({'surgery.rules': 5}, "'surgery'"),
  ({'surgery.rules': (('.*', {'density': 0.0}),)}, 'density'),
  ({'surgery.rules': (('.*', {'crate': 1.0}),)}, 'crate'),
  ({'surgery.band': (1.1, 0.9)}, 'band'),
  ({'gradual.rules': (('.*', 1.5),)}, '1.5'),
  ({'gradual.every': 0}, 'every'),
  ({'surgery.note': {1, 2}}, 'set'),
]


@pytest.mark.parametrize(('changes', 'named'), REFUSED)
def test_a_bad_config_is_one_sentence_before_anything_is_done(
  tmp_path, small, changes, named
):
  with pytest.raises(InputError) as e:
    Run(small.make(changes), tmp_path / 'run').execute()
  assert named in str(e.value)
  assert '\n' not in str(e.value)
  assert not (tmp_path / 'run').exists()


def save_npz(path, shape, classes):
  rng = np.random.default_rng(0)
  x = rng.integers(0, 255, (40, *shape)).astype(np.uint8)
  np.savez(path, x=x, y=np.arange(40) % classes)


@pytest.mark.parametrize(
  ('shape', 'classes', 'named'),
  [((32, 32, 3), 10, '(28, 28, 1)'), ((28, 28), 11, '11 classes')],
)
def test_data_that_the_model_cannot_learn_are_refused(
  tmp_path, small, shape, classes, named
):
  save_npz(tmp_path / 'mine.npz', shape, classes)
  changes = {'data.name': str(tmp_path / 'mine.npz'), 'data.batch': 4}
  with pytest.raises(InputError) as e:
    Run(small.make(small.SHORT, changes), tmp_path / 'run')
  assert named in str(e.value)
  assert 'mine.npz' in str(e.value)


def test_data_of_ones_own_are_learned(tmp_path, small):
  save_npz(tmp_path / 'mine.npz', (784,), 3)
  changes = {'data.name': str(tmp_path / 'mine.npz'), 'data.batch': 4}
  run = Run(small.make(small.SHORT, changes), tmp_path / 'run')
  assert run.execute()['stages'][0]['alive'] > 0


def test_identity_leaves_out_where_the_files_lie(small, monkeypatch):
  monkeypatch.delenv('PRUNAX_MODELS_DIR', raising=False)
  one = small.make({'start': 'x', 'models_dir': '/a'})
  other = small.make({'start': 'x', 'models_dir': '/b', 'data.dir': '/c'})
  assert plan.identity(one) == plan.identity(other)
  alone = small.make({'start': 'x'})
  assert plan.identity(alone)['start'] == ''
  assert plan.identity(alone) != plan.identity(one)
