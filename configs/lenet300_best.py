"""LeNet-300-100 on MNIST with as few weights as keep the error."""

from ml_collections import ConfigDict

from configs import common_best


def get_config(arg: str | None = None) -> ConfigDict:
  """The experiment; it takes no argument."""
  if arg:
    raise ValueError(f'lenet300_best takes no argument, got {arg!r}')
  return common_best.config(
    'lenet300_best', 'lenet300100', 'ip3', kept=1_333, steps=160_000, rate=0.05
  )
