"""One whole inversion step of the preset `paper` on N frames."""

import torch
import torch.nn.functional as F

import mobilestylegan
import vgg16

TAPS = ("1_1", "1_2", "3_2", "4_2")
COMPARED = 3


class Step:
    def __init__(self, inputs, paths):
        self.generator = mobilestylegan.Generator(paths["generator"])
        self.vgg = vgg16.Vgg16(paths["vgg16"])
        self.frames = inputs["frames"]
        n = len(self.frames)
        mean = inputs["mean_code"]
        self.base = mean.expand(1, self.generator.rows, -1).clone().requires_grad_()
        self.steps = torch.zeros(n - 1, 1, len(mean), requires_grad=True)
        self.adam = torch.optim.Adam([self.base, self.steps], lr=0.01)
        others = range(1, n)
        # The base on the grids of the others, then the others on the base's grid.
        flows = [inputs[f"flow{k}_0"] for k in others] + [inputs[f"flow0_{k}"] for k in others]
        self.grids = grids(torch.cat(flows))
        with torch.no_grad():
            self.features = self.perceptual_features(self.frames)
            self.warped = self.warp(self.frames)

    def perceptual_features(self, images):
        small = F.interpolate(images, size=(256, 256), mode="bilinear", align_corners=False)
        return self.vgg.features(small, TAPS)

    def warp(self, images):
        n = len(images)
        looked_at = torch.cat((images[:1].expand(n - 1, -1, -1, -1), images[1:]))
        return F.grid_sample(
            looked_at, self.grids, mode="bilinear", padding_mode="border", align_corners=True
        )

    def run(self):
        """Takes the step; returns the losses before it."""
        self.adam.zero_grad(set_to_none=True)
        moved = torch.cat((torch.zeros_like(self.steps[:1]), self.steps.cumsum(0)))
        images = (self.generator(self.base + moved) + 1) * 0.5
        pixel = F.mse_loss(images, self.frames)
        found = self.perceptual_features(images)
        perceptual = sum(F.mse_loss(f, t) for f, t in zip(found, self.features))
        # Two warps for each of the other frames, a mean over those.
        consistency = 2 * F.mse_loss(self.warp(images), self.warped)
        total = pixel + perceptual + consistency
        total.backward()
        self.adam.step()
        return [float(v) for v in (total, pixel, perceptual, consistency)]


def grids(flow):
    """Where to look, in the coordinates of `grid_sample`, for flows `[N,2,H,W]` in pixels."""
    _, _, h, w = flow.shape
    x = (torch.arange(w, dtype=flow.dtype) + flow[:, 0]) * (2 / (w - 1)) - 1
    y = (torch.arange(h, dtype=flow.dtype)[:, None] + flow[:, 1]) * (2 / (h - 1)) - 1
    return torch.stack((x, y), -1)


def workload(inputs, paths):
    step = Step(inputs, paths)

    def check():
        losses = [value for _ in range(COMPARED) for value in step.run()]
        return torch.tensor(losses), torch.empty(0)

    return check, step.run
