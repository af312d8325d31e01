"""VGG16 (Simonyan and Zisserman 2014) up to relu4_2."""

import torch
import torch.nn.functional as F

import arrays

LAYERS = ("1_1", "1_2", "2_1", "2_2", "3_1", "3_2", "3_3", "4_1", "4_2")


class Vgg16:
    def __init__(self, path):
        weights, _ = arrays.read(path)
        self.layers = [
            (name, weights[f"conv{name}.weight"], weights[f"conv{name}.bias"]) for name in LAYERS
        ]

    def features(self, x, taps):
        """Feature maps of pictures after the ReLU of the layers named."""
        found = []
        for name, weight, bias in self.layers:
            if name.endswith("_1") and name != "1_1":
                x = F.max_pool2d(x, 2)
            x = F.relu_(F.conv2d(x, weight, bias, padding=1))
            if name in taps:
                found.append(x)
        return found


def workload(inputs, paths):
    net = Vgg16(paths["vgg16"])
    images = inputs["images"].requires_grad_()
    target = torch.zeros(5, 512, 32, 32)

    def run():
        images.grad = None
        (features,) = net.features(images, ("4_2",))
        F.mse_loss(features, target).backward()
        return features, images.grad

    return run, run
