"""The whole way in two minutes: LeNet-5 on scikit-learn's digits.

  python -m experiments.run --config=configs/demo.py --workdir=runs/demo

needs no data files: 1,797 real handwritten digits come with scikit-learn,
the last 360, by other writers, are the test set. The net is trained, pruned
by Dynamic Network Surgery, fine-tuned, given few values, and written to a file
that is really small: `model.prx` in the run folder.
"""

from ml_collections import ConfigDict

from configs import common


def get_config(arg: str | None = None) -> ConfigDict:
  """The demo; it takes no argument."""
  if arg:
    raise ValueError(f'the demo takes no argument, got {arg!r}')
  config = common.mnist_config('demo', 'lenet5', '')
  config.data.name = 'digits'
  config.data.order = 'shuffle'
  config.block = 100
  config.checkpoint_every = 500
  config.dense.steps = 1_500
  config.stages = ('surgery', 'finetune', 'share')
  when = {'gamma': 1e-4, 'power': 1.0, 'iter_stop': 2_000}
  config.surgery = ConfigDict(
    {
      'kind': 'surgery',
      'steps': 2_500,
      'optimizer': common.caffe_solver(),
      'rules': (
        ('conv1/.*', {'c_rate': 1.0, **when}),
        ('conv2/.*', {'c_rate': 2.0, **when}),
        ('ip1/.*', {'c_rate': 3.0, **when}),
        ('ip2/.*', {'c_rate': 2.0, **when}),
      ),
    }
  )
  config.finetune = ConfigDict(
    {
      'kind': 'finetune',
      'steps': 500,
      'optimizer': common.caffe_solver(base=0.001),
    }
  )
  config.share = ConfigDict(
    {
      'kind': 'share',
      'steps': 200,
      'optimizer': {
        'name': 'adam',
        'schedule': {'policy': 'fixed', 'base': 1e-4},
      },
      'rules': (('.*/kernel', 16), ('.*/bias', None)),
    }
  )
  return config
