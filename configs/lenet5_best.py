"""LeNet-5 on MNIST with as few weights as keep the error."""

from ml_collections import ConfigDict

from configs import common_best


def get_config(arg: str | None = None) -> ConfigDict:
  """The experiment; it takes no argument."""
  if arg:
    raise ValueError(f'lenet5_best takes no argument, got {arg!r}')
  return common_best.config(
    'lenet5_best', 'lenet5', 'ip2', kept=1_077, steps=45_000, rate=0.05
  )
