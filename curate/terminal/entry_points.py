"""What `syndr-curate` prints without arguments: where to begin, by the data that the reader has."""

PAIR = "syndr-curate upsample --dataset kadid10k --root KADID-10k --candidates-root KADIS-700k --types bid"
OWN_LABELS = (
    "syndr-curate upsample --labels scores.csv --id-column image --label-column mos --reference-column reference"
    " --root rated/ --references photos/ --candidates-root more-photos/ --types bid"
)
PHOTOGRAPHS = "syndr-curate upsample --references photos/ --conditions kadid10k --types bid --out manifests/own.parquet"
ENTRY_POINTS = f"""Make a training set of labeled, distorted images: a manifest (Parquet) with one row per image.
Choose by what you have:

KADID-10k and KADIS-700k
  {PAIR}

your own photographs, distorted versions of them, and a label file
  {OWN_LABELS}
  (types and levels: from names such as name_01_05.png, or --distortion-column and --level-column)

only photographs: labels are KADID-10k's mean for each type and level
  {PHOTOGRAPHS}

nothing yet: the whole pipeline on images it makes itself
  syndr-curate demo

Then: syndr-curate inspect MANIFEST, syndr-curate report MANIFEST, syndr-curate downsample before every epoch.
All commands: syndr-curate --help. Flags of one: syndr-curate COMMAND --help.
"""
