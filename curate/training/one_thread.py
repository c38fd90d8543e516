"""OpenCV on one thread in the workers of a `DataLoader`."""

import sys


def compute_on_one_thread_in_workers() -> None:
    """Let OpenCV compute on one thread in a worker, as torch does there: each would otherwise run a thread per core."""
    torch = sys.modules.get("torch")  # which every worker has loaded
    if torch is not None and torch.utils.data.get_worker_info() is not None:
        import cv2

        if cv2.getNumThreads() > 1:
            cv2.setNumThreads(0)
