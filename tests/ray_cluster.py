"""A real Ray cluster of two nodes on this machine, on loopback addresses, in a process of its own.

Run as a program, it starts the cluster, prints what it is as one line of JSON, and ends it when its input ends.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

# Read by Ray when it is imported: loopback addresses only; and a test cluster needs no token in the home folder.
ENVIRONMENT = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_AUTH_MODE": "disabled",
    "RAY_USAGE_STATS_ENABLED": "0",
}


@dataclass(frozen=True)
class TwoNodes:
    """A running cluster: what drives it must be a process of its own, started with `environment`.

    Attributes:
        address: `host:port` to join.
        head: Node id of the first node, that drivers attach to.
        second: Node id of the other.
        raylets: Process id by node id.
        environment: Variables for processes that join.
    """

    address: str
    head: str
    second: str
    raylets: dict[str, int]
    environment: dict[str, str]

    def kill_second(self) -> None:
        """Let the second node vanish, as a machine does that loses its power: all its processes at one time."""
        raylet = self.raylets[self.second]
        workers = Path(f"/proc/{raylet}/task/{raylet}/children").read_text().split()
        for process in (raylet, *map(int, workers)):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


@contextmanager
def two_nodes() -> Iterator[TwoNodes]:
    """Start a cluster of two nodes with one processor each, and end it afterwards."""
    environment = {**os.environ, **ENVIRONMENT}
    process = subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    try:
        line = process.stdout.readline()
        assert line, "the cluster did not start"
        yield TwoNodes(**json.loads(line), environment=environment)
    finally:
        process.communicate(timeout=60)


def main() -> None:
    """Hold a cluster for as long as the input is open."""
    import ray
    from ray.cluster_utils import Cluster

    folder = tempfile.mkdtemp(prefix="ray-")  # short: the path of a socket has at most 107 characters
    small = {"num_cpus": 1, "object_store_memory": 100 << 20}
    cluster = Cluster(initialize_head=True, head_node_args={**small, "temp_dir": folder, "include_dashboard": False})
    try:
        nodes = [cluster.head_node, cluster.add_node(**small)]
        raylets = {node.node_id: node.all_processes["raylet"][0].process.pid for node in nodes}
        head, second = raylets
        print(json.dumps({"address": cluster.address, "head": head, "second": second, "raylets": raylets}), flush=True)
        sys.stdin.read()
    finally:
        ray.shutdown()
        cluster.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
