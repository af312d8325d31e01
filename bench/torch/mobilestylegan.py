"""MobileStyleGAN (Belousov 2021) in its exported form, as reelgan converts it."""

import torch
import torch.nn.functional as F

import arrays


class Modulation:
    def __init__(self, weights, name, scaled=True):
        scale = weights[f"{name}.modulation.scale"].reshape(()) if scaled else 1.0
        self.weight = weights[f"{name}.modulation.weight"] * scale
        self.bias = weights[f"{name}.modulation.bias"].reshape(-1) * scale

    def __call__(self, code):
        return F.linear(code, self.weight, self.bias)[:, :, None, None]


class Separable:
    def __init__(self, weights, name):
        self.style = Modulation(weights, f"{name}.conv")
        self.depthwise = weights[f"{name}.conv.weight_dw"].reshape(-1, 1, 3, 3)
        self.pointwise = weights[f"{name}.conv.weight_pw"]
        self.bias = weights[f"{name}.bias"].reshape(-1)
        self.noise = weights[f"{name}.noise"]

    def __call__(self, x, code):
        x = x * self.style(code)
        x = F.conv2d(x, self.depthwise, padding=1, groups=x.shape[1])
        x = F.conv2d(x, self.pointwise, self.bias)
        return F.leaky_relu_(x + self.noise, 0.2)


def haar_up(x):
    """Inverse orthonormal Haar transform: `[N,4c,H,W]` to `[N,c,2H,2W]`."""
    n, c, h, w = x.shape
    c //= 4
    low = x[:, :c]
    rows, columns, both = x[:, c:].reshape(n, c, 3, h, w).unbind(2)
    above, below = low + rows, low - rows
    right, left = columns + both, columns - both
    even = torch.stack((above + right, above - right), -1)
    odd = torch.stack((below + left, below - left), -1)
    return torch.stack((even, odd), 3).reshape(n, c, 2 * h, 2 * w)


class Generator:
    def __init__(self, path):
        weights, _ = arrays.read(path)
        self.input = weights["synthesis.input"]
        self.head_style = Modulation(weights, "synthesis.conv1.conv")
        self.head = weights["synthesis.conv1.conv.weight"]
        self.head_bias = weights["synthesis.conv1.bias"].reshape(-1)
        self.head_noise = weights["synthesis.conv1.noise"]
        self.blocks = []
        while f"synthesis.layers.{len(self.blocks)}.conv1.bias" in weights:
            name = f"synthesis.layers.{len(self.blocks)}"
            up = Modulation(weights, f"{name}.up", scaled=False)
            # The transform's factor of a half goes with the style, for nothing.
            up.weight, up.bias = up.weight / 2, up.bias / 2
            layers = [Separable(weights, f"{name}.conv{k}") for k in (1, 2)]
            self.blocks.append((up, *layers))
        self.image_style = Modulation(weights, f"{name}.to_img.conv")
        self.image = weights[f"{name}.to_img.conv.weight"] / 2
        self.image_bias = weights[f"{name}.to_img.bias"].reshape(-1) / 2
        self.rows = 2 * len(self.blocks) + 2

    def __call__(self, codes):
        """`codes [N,rows,D]` to images `[N,3,R,R]`, nominally -1..1."""
        x = self.input * self.head_style(codes[:, 0])
        x = F.conv2d(x, self.head, self.head_bias, padding=1)
        x = F.leaky_relu_(x + self.head_noise, 0.2)
        for i, (up, first, second) in enumerate(self.blocks):
            x = haar_up(x * up(codes[:, 1 + 2 * i]))
            x = first(x, codes[:, 1 + 2 * i])
            x = second(x, codes[:, 2 + 2 * i])
        x = F.conv2d(x * self.image_style(codes[:, -1]), self.image, self.image_bias)
        return haar_up(x)


def workload(inputs, paths):
    net = Generator(paths["generator"])
    codes = inputs["codes"].requires_grad_()
    side = 8 << len(net.blocks)
    target = torch.zeros(len(codes), 3, side, side)

    def run():
        codes.grad = None
        image = net(codes)
        F.mse_loss(image, target).backward()
        return image, codes.grad

    return run, run
