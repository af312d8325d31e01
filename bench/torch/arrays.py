"""Reads safetensors files of float32 arrays."""

import json
import struct

import numpy
import torch


def read(path):
    """The arrays of a file by name, as tensors, and its table of strings."""
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
    data = numpy.memmap(path, dtype=numpy.uint8, mode="r", offset=8 + size)
    strings = header.pop("__metadata__", {})
    arrays = {}
    for name, entry in header.items():
        if entry["dtype"] != "F32":
            raise ValueError(f"{path}: array {name} holds {entry['dtype']}, not F32")
        begin, end = entry["data_offsets"]
        numbers = numpy.frombuffer(data[begin:end].tobytes(), dtype="<f4")
        arrays[name] = torch.from_numpy(numbers.reshape(entry["shape"]).copy())
    return arrays, strings
