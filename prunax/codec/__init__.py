"""The `.prx` file: a model's tree in as few bytes as it needs."""

from prunax.codec.container import DamagedFile as DamagedFile
from prunax.codec.container import NewerFile as NewerFile
from prunax.codec.container import PrxFile as PrxFile
from prunax.codec.container import Sizes as Sizes
from prunax.codec.container import encode as encode
from prunax.codec.container import load as load
from prunax.codec.container import save as save
