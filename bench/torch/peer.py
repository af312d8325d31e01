"""PyTorch's side of `cargo xtask bench --torch`: one workload in a process of its own.

    python peer.py --case NAME --exchange FOLDER

Reads `inputs.safetensors`, which the other side wrote, runs the workload once,
writes `torch.value.f32` and `torch.gradient.f32` for the comparison of results,
and from then on answers every line with the seconds of one run.

Everything is float32 and contiguous (NCHW); weights are frozen, so no gradients to
them are computed. The allocator is tuned from outside, through the environment.
"""

import argparse
import json
import os
import resource
import sys
import time

import torch

import arrays
import mobilestylegan
import step
import stylegan1
import vgg16

CASES = {
    "stylegan1_64_n5": stylegan1.workload,
    "stylegan1_256_n1": stylegan1.workload,
    "stylegan1_1024_n1": stylegan1.workload,
    "vgg16_256_n5": vgg16.workload,
    "mobilestylegan_1024_n1": mobilestylegan.workload,
    "mobilestylegan_1024_n5": mobilestylegan.workload,
    "step_1024_n5": step.workload,
}


def say(line):
    print(json.dumps(line), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", required=True, choices=CASES)
    parser.add_argument("--exchange", required=True, help="folder shared with the other side")
    args = parser.parse_args()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    inputs, paths = arrays.read(os.path.join(args.exchange, "inputs.safetensors"))
    check, run = CASES[args.case](inputs, paths)
    for name, tensor in zip(("value", "gradient"), check()):
        path = os.path.join(args.exchange, f"torch.{name}.f32")
        tensor.detach().contiguous().numpy().astype("<f4").tofile(path)
    say({"ready": True})
    for _ in sys.stdin:
        start = time.perf_counter()
        run()
        say({"seconds": time.perf_counter() - start})
    say({"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6})


if __name__ == "__main__":
    main()
