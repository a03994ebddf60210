"""When a hook is due, by hand."""

from prunax.hooks import Hook


def test_when_a_hook_is_due():
  hook = Hook(1, 10, 25, None)
  assert [t for t in range(40) if hook.due(t)] == [1, 11, 21]
  assert [hook.after(t) for t in (0, 1, 5, 11)] == [1, 11, 11, 21]
