"""The one error that a user's mistake raises."""


class InputError(ValueError):
  """What must hold, what was got, for which file or leaf, and what to do.

  The binaries print its message as one sentence, without a traceback; in a
  notebook it is an ordinary `ValueError`.
  """
