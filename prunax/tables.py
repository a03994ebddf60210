"""Tables for a terminal."""

import io
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table


def times(ratio: float | None) -> str:
  """How many times fewer, where a ratio of nothing left is None."""
  return 'none left' if ratio is None else f'{ratio:,.1f}x'


def plain(name: str) -> str:
  """A name without what would move the cursor or colour the terminal.

  >>> plain('é\\n\\x1b[31m')
  'é\\\\n\\\\x1b[31m'
  """
  return ''.join(
    c if c.isprintable() else c.encode('unicode_escape').decode() for c in name
  )


def text(*titled: tuple[str, Table], width: int = 100) -> str:
  """Tables under their titles, in characters that stdout can show."""
  encoding = getattr(sys.stdout, 'encoding', None) or 'utf-8'
  raw = io.BytesIO()
  file = io.TextIOWrapper(raw, encoding, 'backslashreplace', newline='')
  # Names are a user's own: brackets and colons in them mean nothing.
  console = Console(
    file=file, width=width, highlight=False, markup=False, emoji=False
  )
  for title, table in titled:
    # A title of the table's own would be broken at the table's width.
    console.print(title, soft_wrap=True)
    console.print(table)
  file.flush()
  return raw.getvalue().decode(encoding)


def table(columns: Sequence[str]) -> Table:
  """A table whose first column is a name and whose others are numbers."""
  table = Table()
  first, *others = columns
  table.add_column(first, overflow='fold')
  for column in others:
    table.add_column(column, justify='right', no_wrap=True)
  return table
