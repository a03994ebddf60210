"""Files that no honest writer would make."""

from prunax.codec import container, header


def write(path, leaves, meta=None):
  """A file with right checks of leaves as (entry, payload)."""
  entries = [entry._replace(length=len(payload)) for entry, payload in leaves]
  data = container.front(header.encode(entries, meta or {}))
  for _, payload in leaves:
    data += payload + container.check(payload)
  path.write_bytes(data)
  return path
