"""The `.prx` file: a model's tree in as few bytes as it needs."""

from prunax.codec.container import Sizes as Sizes
from prunax.codec.container import encode as encode
from prunax.codec.container import save as save
from prunax.codec.reading import MOST_BYTES as MOST_BYTES
from prunax.codec.reading import DamagedFile as DamagedFile
from prunax.codec.reading import NewerFile as NewerFile
from prunax.codec.reading import PrxFile as PrxFile
from prunax.codec.reading import load as load
