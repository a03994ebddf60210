"""LeNet-300-100 on MNIST with as few weights as keep the error.

The record at hand: 113.5x at 2.18 %, by OLMP. OLMP comes first here too, on
57,000 images; then the whole net is pruned gradually to an exact count by
|w| over the root mean square of what is alive in its layer.

  python -m experiments.seeds --config=configs/lenet300_best.py \
    --seeds=0,1,2,3,4,5,6,7,8,9 --workdir=runs/lenet300_best

takes some two minutes a seed on 2 cores; docs/results.md has the numbers to
expect. `:taught` learns from the answers of the released LeNet-5 too, and
keeps fewer weights; `:own` trains the dense start too, and has a delta that is
smaller by 0.014, as configs/lenet300_olmp.py says.
"""

from ml_collections import ConfigDict

from configs import common_best, common_olmp


def get_config(arg: str | None = None) -> ConfigDict:
  """The experiment, with a teacher, or from a start of our own."""
  return common_best.config(
    arg,
    'lenet300_best',
    'lenet300100',
    common_olmp.Settings(
      steps=50_000,
      first=20_000,
      until=45_000,
      rate=0.06,
      decay=1e-3,
      delta=0.019,
      delta_own=0.005,
    ),
    kept=1_850,
    steps=60_000,
    kept_taught=1_285,
  )
