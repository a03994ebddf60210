"""What follows a product, up to its nonlinearity."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, NamedTuple

from prunax.shrinking.tape import Line, Tape

# What may lie between a product and its nonlinearity: biases, norms, shortcuts.
_MOVES = ('reshape', 'squeeze', 'transpose', 'broadcast_in_dim')
_SAME = ('copy', 'convert_element_type')
_STRAIGHT = {'add', 'add_any', 'sub', 'mul', 'div', 'neg', *_SAME, *_MOVES}
# Two in a row are one: relu6 is a max and a min.
_CLIPS = {'max', 'min', 'clamp'}
_BENDS = _CLIPS | {'logistic', 'tanh'}


class Onward(NamedTuple):
  """The way from a product's result to its output.

  Attributes:
    start: the slot of the product's result.
    end: the slot of the output.
    others: the slots that are read on the way, the result apart.
    last: the line that gives the output.
  """

  start: int
  end: int
  others: tuple[int, ...]
  last: Line

  def output(self, tape: Tape, result: Any, seen: Mapping[int, Any]) -> Any:
    """The output for another result of the product."""
    known = {i: seen[i] for i in self.others}
    return tape.run({**known, self.start: result}, [self.end])[0]


def onward(tape: Tape, line: Line) -> Onward:
  """What follows a product that nothing else reads, up to a nonlinearity.

  A nonlinearity is a relu or another clip, a sigmoid or a tanh. Where pooling,
  a second reader or the end of the program comes before one, the output is
  the product's own result.
  """
  readers = defaultdict(list)
  for other in tape.lines:
    for slot in other.ins:
      readers[slot].append(other)
  for slot in tape.outs:
    readers[slot].append(line)
  way: list[Line] = []
  start = slot = line.outs[0]
  bent = False
  while len(readers[slot]) == 1:
    (following,) = readers[slot]
    wanted = _CLIPS if bent else _STRAIGHT | _BENDS
    if following is line or following.name not in wanted:
      break
    bent = bent or following.name in _BENDS
    way.append(following)
    (slot,) = following.outs
  if not bent:
    return Onward(start, start, (), line)
  made = {start, *(i for step in way for i in step.outs)}
  read = {i: None for step in way for i in step.ins}
  others = tuple(i for i in read if i not in made and i not in tape.held)
  return Onward(start, slot, others, way[-1])
