"""LeNet-5 on MNIST in as few bytes as keep the error.

The smallest published: 1,110 times fewer bytes at 0.96 % (Havasi, Peharz and
Hernandez-Lobato 2019). Few weights first, as configs/lenet5_best.py finds
them; then few values a kernel, trained, and a file that says where they are.
The few weights of `ip2` feel it most when they lose their values, and cost
least to keep them.

  python -m experiments.seeds --config=configs/lenet5_smallest.py \
    --seeds=0,1,2,3,4 --workdir=runs/lenet5_smallest

takes some fourteen minutes a seed on one core; docs/results.md has the numbers
to expect. The file is `model.prx` in the run folder. `:own` as in
configs/lenet5_best.py.
"""

from ml_collections import ConfigDict

from configs import common_best, lenet5_best


def get_config(arg: str | None = None) -> ConfigDict:
  """The experiment, from the released dense model or an own one."""
  made = lenet5_best.get_config(arg)
  made.name = made.name.replace('best', 'smallest')
  chain = (('conv1', 'conv2'), ('conv2', 'ip1'), ('ip1', 'ip2'))
  levels = (('ip2/kernel', 32), ('ip1/kernel', 10), ('conv./kernel', 8))
  made = common_best.smallest(made, chain, 1_450, levels, steps=4_000)
  return common_best.shared_in_portions(made, (0.5, 0.8), steps=2_500)
