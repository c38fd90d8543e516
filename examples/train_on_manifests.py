"""Train a small quality model for two epochs, each on its own thinned manifest, with pandas and torch alone."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import torch
from PIL import Image


def load(manifest: Path) -> tuple[torch.Tensor, torch.Tensor, list[str]]:
    rows = pd.read_parquet(manifest).query("status == 'ok'")
    roots = json.loads(pq.read_schema(manifest).metadata[b"syndr_curate"])["roots"]
    files = [manifest.parent / roots[root] / path for root, path in zip(rows.image_root, rows.image_path, strict=True)]
    pixels = np.stack([np.asarray(Image.open(file).resize((64, 64)), dtype=np.float32) / 255 for file in files])
    labels = torch.tensor(rows.label.to_numpy())
    return torch.from_numpy(pixels).permute(0, 3, 1, 2), labels, rows.sample_id.tolist()


train = Path(sys.argv[1])
torch.manual_seed(0)
layers = [torch.nn.Conv2d(3, 16, 5, 2), torch.nn.ReLU(), torch.nn.Conv2d(16, 32, 5, 2), torch.nn.ReLU()]
body = torch.nn.Sequential(*layers, torch.nn.AdaptiveAvgPool2d(2), torch.nn.Flatten())
head = torch.nn.Linear(128, 1)
optimizer = torch.optim.Adam([*body.parameters(), *head.parameters()], lr=1e-3)
images, _, ids = load(train)
for epoch in range(2):
    with torch.no_grad():  # features of every ok row, in the manifest's order, and their ids beside them
        np.save(train.parent / f"epoch{epoch}.npy", body(images).numpy())
        (train.parent / f"epoch{epoch}.ids.txt").write_text("\n".join(ids))
    command = ["syndr-curate", "downsample", "--features", f"{train.parent}/epoch{epoch}.npy", "--manifest", str(train)]
    subprocess.run(command, check=True)
    kept, labels, _ = load(train.parent / f"epoch{epoch}.parquet")
    for batch in torch.randperm(len(kept)).split(32):
        loss = (head(body(kept[batch])).squeeze(1) - labels[batch]).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {len(kept)} of {len(ids)} rows, last loss {loss.item():.2f}")
