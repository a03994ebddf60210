"""provisional"""
from typing import Any, Callable, NamedTuple
class Model(NamedTuple):
  name: str
  init: Callable[..., Any]
  apply: Callable[..., Any]
  input_shape: tuple[int, ...]
  classes: int
