"""StyleGAN1 synthesis (Karras et al. 2019) from a state dict."""

import torch
import torch.nn.functional as F

EPSILON = 1e-5


class Epilogue:
    """Noise, bias, activation, normalisation and style of one layer."""

    def __init__(self, arrays, name):
        style = f"{name}.style_mod.lin"
        weight = arrays[f"{style}.weight"]
        self.weight = weight / weight.shape[1] ** 0.5
        self.offset = arrays[f"{style}.bias"].clone()
        self.channels = len(self.offset) // 2
        # The style's factor is one more than what the layer gives.
        self.offset[: self.channels] += 1
        self.strength = arrays[f"{name}.top_epi.noise.weight"].view(1, -1, 1, 1)

    def __call__(self, x, noise, code):
        """`x` has its bias already: it is free as that of a convolution."""
        n, c, h, w = x.shape
        x = F.leaky_relu_(torch.addcmul(x, noise, self.strength), 0.2)
        style = F.linear(code, self.weight, self.offset)
        factor, shift = style[:, :c].reshape(-1), style[:, c:].reshape(-1)
        # Instance norm with a factor and shift of its own for every plane: one operator.
        x = x.reshape(1, n * c, h, w)
        x = F.batch_norm(x, None, None, factor, shift, training=True, eps=EPSILON)
        return x.reshape(n, c, h, w)


class Generator:
    def __init__(self, arrays):
        self.blocks = []
        name = "g_synthesis.blocks.{0}x{0}".format
        self.constant = arrays[f"{name(4)}.const"]
        side = 4
        while f"{name(side)}.epi1.top_epi.noise.weight" in arrays:
            self.blocks.append(Block(arrays, name(side), side))
            side *= 2
        weight = arrays["g_synthesis.torgb.weight"]
        self.rgb = weight / weight.shape[1] ** 0.5
        self.rgb_bias = arrays["g_synthesis.torgb.bias"]

    def __call__(self, codes, noise):
        x = self.constant.expand(len(codes), -1, -1, -1)
        for k, block in enumerate(self.blocks):
            x = block(x, codes[:, 2 * k : 2 * k + 2], noise[2 * k : 2 * k + 2])
        return F.conv2d(x, self.rgb, self.rgb_bias)


class Block:
    def __init__(self, arrays, name, side):
        def kernel(layer):
            weight = arrays[f"{name}.{layer}.weight"]
            return weight * (2 / (9 * weight.shape[1])) ** 0.5

        self.first = side == 4
        layer = "conv" if self.first else "conv1"
        self.kernel, self.bias = kernel(layer), arrays[f"{name}.{layer}.bias"]
        self.epilogues = [Epilogue(arrays, f"{name}.epi{k}") for k in (1, 2)]
        if self.first:
            self.up_bias = arrays[f"{name}.bias"]
            return
        self.up_bias = arrays[f"{name}.conv0_up.bias"]
        self.up = kernel("conv0_up")
        if side >= 128:
            # Published as a transposed convolution from here on.
            self.up = self.up.flip(2, 3).contiguous()
        taps = torch.tensor([1.0, 2.0, 1.0])
        blur = torch.outer(taps, taps) / 16
        self.blur = blur.expand(len(self.up_bias), 1, 3, 3).contiguous()

    def __call__(self, x, codes, noise):
        if self.first:
            x = x + self.up_bias.view(1, -1, 1, 1)
        else:
            x = F.conv2d(F.interpolate(x, scale_factor=2, mode="nearest"), self.up, padding=1)
            x = F.conv2d(x, self.blur, self.up_bias, padding=1, groups=x.shape[1])
        x = self.epilogues[0](x, noise[0], codes[:, 0])
        x = F.conv2d(x, self.kernel, self.bias, padding=1)
        return self.epilogues[1](x, noise[1], codes[:, 1])


def workload(inputs, _paths):
    net = Generator(inputs)
    codes = inputs["codes"].requires_grad_()
    noise = [inputs[f"noise{k}"] for k in range(codes.shape[1])]
    side = noise[-1].shape[-1]
    target = torch.zeros(len(codes), 3, side, side)

    def run():
        codes.grad = None
        image = net(codes, noise)
        F.mse_loss(image, target).backward()
        return image, codes.grad

    return run, run
