"""Names of what other people's files may be.

The command line reads them from here, so this module imports no numeric library.
"""

from typing import Literal

IdStyle = Literal["stem", "path"]
OWN_SET = "csv"  # anybody's own test set
TestSetName = Literal[
    "koniq10k",
    "livec",
    "bid",
    "spaq",
    "biq2021",
    "cid2013",
    "tid2013",
    "live",
    "csiq",
    "pipal",
    "kadid10k",
    "csv",
]
