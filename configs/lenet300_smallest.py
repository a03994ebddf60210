"""LeNet-300-100 on MNIST in as few bytes as keep the error.

Few weights first, as configs/lenet300_best.py finds them; then eight values a
kernel, trained, and a file that says where they are.

  python -m experiments.seeds --config=configs/lenet300_smallest.py \
    --seeds=0,1,2,3,4 --workdir=runs/lenet300_smallest

takes some four minutes a seed on a quiet machine; docs/results.md has the
numbers to expect. The file is `model.prx` in the run folder. `:taught` and
`:own` as in configs/lenet300_best.py; `:taught` keeps fewer weights, which
its error allows. `:own` has not been run.
"""

from ml_collections import ConfigDict

from configs import common_best, lenet300_best


def get_config(arg: str | None = None) -> ConfigDict:
  """The experiment, with a teacher, or from a start of our own."""
  made = lenet300_best.get_config(arg)
  made.name = made.name.replace('best', 'smallest')
  chain = (('ip1', 'ip2'), ('ip2', 'ip3'))
  kept = 1_380 if arg == 'taught' else 1_560
  levels = (('.*/kernel', 8),)
  return common_best.smallest(made, chain, kept, levels, steps=10_000)
