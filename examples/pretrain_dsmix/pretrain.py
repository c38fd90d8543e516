"""Pre-train a backbone on mixed images with soft labels, and distil a frozen semantic teacher on the way.

`python examples/pretrain_dsmix/pretrain.py --help`; README.md beside this file has whole commands.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import torch
from losses import distillation_loss, soft_label_loss
from network import BACKBONES, TEACHERS, Student, new_teacher
from pictures import LargeEnough
from safetensors.torch import save_file
from syndr_curate import CurateError, SoftLabelDataset, target_names
from torch.utils.data import DataLoader
from torchvision.transforms import v2


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--mixes", type=Path, required=True, metavar="MANIFEST", help="what `syndr-curate mix` wrote")
    add("--layout", choices=("type", "type-pristine", "type-level"), default="type", help="classes of the soft labels")
    add("--backbone", choices=BACKBONES, default="resnet50")
    add("--weights", required=True, help="local ImageNet checkpoint that the student starts from (.pth), or none")
    add("--teacher", choices=TEACHERS, default="resnet50", help="frozen; its features are distilled")
    add("--teacher-weights", required=True, help="local checkpoint of the teacher (.pth, .safetensors), or none")
    add("--distill", choices=("cosine", "mse"), default="cosine", help="how features are compared")
    add("--distill-weight", type=float, default=1.0, help="of the distillation loss; 0 leaves the teacher out")
    add("--temperature", type=float, default=1.0, help="divides the logits of the soft-label loss")
    add("--epochs", type=int, default=20)
    add("--batch-size", type=int, default=32)
    add("--crop", type=int, default=224)
    add("--lr", type=float, default=1e-4)
    add("--weight-decay", type=float, default=1e-4)
    add("--seed", type=int, default=123)
    add("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    add("--workers", type=int, default=4, help="processes that read images")
    add("--out", type=Path, required=True, help="the backbone's weights (.safetensors)")
    settings = parser.parse_args(arguments)
    if settings.temperature <= 0 or settings.distill_weight < 0:
        parser.error("--temperature must be above 0, and --distill-weight at least 0")
    return settings


def pretrain(settings: argparse.Namespace) -> list[dict[str, float]]:
    """Train, write the backbone after every epoch, and return both mean losses of each."""
    torch.manual_seed(settings.seed)
    tensor = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
    crop = v2.Compose([LargeEnough(settings.crop), v2.RandomCrop(settings.crop), v2.RandomHorizontalFlip(), *tensor])
    mixes = SoftLabelDataset(settings.mixes, layout=settings.layout, transform=crop)
    loader = DataLoader(mixes, settings.batch_size, shuffle=True, num_workers=settings.workers)
    teacher = new_teacher(settings.teacher, settings.teacher_weights).to(settings.device)
    classes = len(target_names(settings.layout))
    student = Student(settings.backbone, classes=classes, teacher_dimensions=teacher.dimensions)
    if settings.weights != "none":
        student.backbone.load(settings.weights)
    student.to(settings.device).train()
    optimizer = torch.optim.AdamW(student.parameters(), lr=settings.lr, weight_decay=settings.weight_decay)
    history = []
    for epoch in range(settings.epochs):
        sums = torch.zeros(2)
        for batch, soft in loader:
            images, targets = batch.to(settings.device), soft.to(settings.device)
            logits, projected = student(images)
            labels = soft_label_loss(logits, targets, temperature=settings.temperature)
            with torch.no_grad():
                semantic = teacher(images)
            distilled = distillation_loss(projected, semantic, kind=settings.distill)
            optimizer.zero_grad()
            (labels + settings.distill_weight * distilled).backward()
            optimizer.step()
            sums += len(soft) * torch.stack([labels.detach(), distilled.detach()]).cpu()
        means = (sums / len(mixes)).tolist()
        history.append({"epoch": epoch, "soft_label_loss": means[0], "distillation_loss": means[1]})
        save(student, settings)
        print(json.dumps(history[-1]), flush=True)
    return history


def save(student: Student, settings: argparse.Namespace) -> None:
    settings.out.parent.mkdir(parents=True, exist_ok=True)
    temporary = settings.out.with_name(f".{settings.out.name}.{os.getpid()}.tmp")
    state = {name: tensor.cpu().contiguous() for name, tensor in student.backbone.state_dict().items()}
    save_file(state, temporary, metadata={"backbone": settings.backbone})
    os.replace(temporary, settings.out)


def main(arguments: list[str] | None = None) -> None:
    settings = parse_arguments(arguments)
    try:
        pretrain(settings)
    except CurateError as error:
        # From a worker process the message comes at the end of its traceback.
        print("error:", str(error).splitlines()[-1].rpartition("CurateError: ")[2], file=sys.stderr)
        raise SystemExit(2) from error


if __name__ == "__main__":
    main()
