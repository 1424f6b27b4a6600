"""The public feeder asks our witness: python foreign.py URL VKEY BUNDLE SIZE...

For each size it takes that kept checkpoint of the bundle, proves it from the bundle's tiles, and
prints the checkpoint with the cosignature that the witness gave, as the feeder believed it.
"""

import sys
from pathlib import Path

from aics_tlog import FileSystemTileReader, consistency_proof_from_tiles
from aics_witness.feeder import WitnessClient, merge_cosignatures

url, vkey, bundle, *sizes = sys.argv[1:]
tiles = FileSystemTileReader(bundle)
# Partial tiles are those of the bundle's own size.
whole = int((Path(bundle) / "checkpoint").read_bytes().split(b"\n")[1])
with WitnessClient(url, vkey) as client:
    for size in sizes:
        name = f"checkpoints/{size}" if (Path(bundle) / f"checkpoints/{size}").exists() else "checkpoint"
        note = (Path(bundle) / name).read_bytes()
        line = client.submit(note, lambda old, new: consistency_proof_from_tiles(tiles, old, new, tile_size=whole))
        sys.stdout.write(merge_cosignatures(note, line).decode())
