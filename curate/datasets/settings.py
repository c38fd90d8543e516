"""Names of what other people's files may be.

The command line reads them from here, so this module imports no numeric library.
"""

from typing import Literal

IdStyle = Literal["stem", "path"]
TestSetName = Literal["koniq10k", "livec", "bid", "spaq", "tid2013", "live", "csiq"]
