"""SSIMULACRA2 and MS-SSIM of batches of pictures, differentiable. Blurs are products of matrices."""

import math
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

SIGMA = 1.5
RADIUS = 5


@cache
def _blur(size: int, device: str, valid: bool) -> Tensor:
    """The matrix of a Gaussian blur of a side: mirrored at the ends, or only where the window fits."""
    place = torch.arange(-RADIUS, RADIUS + 1, dtype=torch.float64)
    window = (-(place**2) / (2 * SIGMA**2)).exp()
    window /= window.sum()
    matrix = torch.zeros(size, size, dtype=torch.float64)
    for row in range(size):
        for offset, weight in zip(place.int().tolist(), window.tolist(), strict=True):
            column = row + offset
            column = -1 - column if column < 0 else column
            matrix[row, 2 * size - 1 - column if column >= size else column] += weight
    if valid:
        matrix = matrix[RADIUS : size - RADIUS]
    return matrix.float().to(device)


def blurred(x: Tensor, valid: bool = False) -> Tensor:
    """A Gaussian blur of [..., rows, columns]."""
    device = str(x.device)
    return _blur(x.shape[-2], device, valid) @ x @ _blur(x.shape[-1], device, valid).T


OPSIN = (
    (0.30, 0.622, 0.078),
    (0.23, 0.692, 0.078),
    (0.24342268924547819, 0.20476744424496821, 0.5518098665095536),
)
"""Absorbances of linear red, green and blue."""

BIAS = 0.0037930732552754493
C2 = 0.0009
SCALES = 6

WEIGHTS = (
    (
        ((0.0, 0.000737660671, 0.0), (0.0, 0.000779348168, 0.0)),
        ((0.0, 0.000437115573, 0.0), (1.10417264, 0.000662848341, 0.000152316328)),
        ((0.0, 0.00164064375, 0.0), (1.84224555, 11.4411726, 0.0)),
        ((0.000798910944, 0.000176816438, 0.0), (1.8787595, 10.9490699, 0.0)),
        ((0.000728934699, 0.967793708, 0.0), (0.000140034243, 0.998176698, 0.000319497559)),
        ((0.000455099211, 0.0, 0.0), (0.00136487662, 0.0, 0.0)),
    ),
    (
        ((0.0, 0.0, 0.0), (7.46689033, 0.0, 17.445834)),
        ((0.000623560163, 0.0, 0.0), (6.68367815, 0.00037724408, 1.02788994)),
        ((225.205153, 0.0, 0.0), (19.2132382, 0.00114015246, 0.00123775564)),
        ((176.393176, 0.0, 0.0), (24.43301, 0.285208026, 0.000448543692)),
        ((0.0, 0.0, 0.0), (34.7790634, 44.8356253, 0.0)),
        ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
    ),
    (
        ((0.0, 0.000868055657, 0.0), (0.0, 0.0, 0.0)),
        ((0.0, 0.000531319187, 0.0), (0.000165338142, 0.0, 0.0)),
        ((0.0, 0.0, 0.0), (0.00041791718, 0.00172908282, 0.0)),
        ((0.00208270058, 0.0, 0.0), (8.82698276, 23.1924334, 0.0)),
        ((95.1080499, 0.986397803, 0.983438279), (0.0012286405, 171.266726, 0.980785887)),
        ((0.0, 0.0, 0.0), (0.000513006459, 0.0, 0.000108540579)),
    ),
)  # fmt: skip
"""Weights by channel (X, Y, B - Y), scale, norm (mean, 4-norm) and map (SSIM, artefacts, lost detail)."""


@cache
def _weights(device: str) -> Tensor:
    return torch.tensor(WEIGHTS, device=device)


def _xyb(linear: Tensor) -> Tensor:
    """Channels X, Y and B - Y, all positive, of linear RGB [n, 3, rows, columns]."""
    mixed = torch.einsum("ij,njhw->nihw", _opsin(str(linear.device)), linear) + BIAS
    cone = mixed.clamp(min=1e-9) ** (1 / 3) - BIAS ** (1 / 3)
    long, medium, short = cone.unbind(1)
    x, y = 0.5 * (long - medium), 0.5 * (long + medium)
    return torch.stack([14 * x + 0.42, y + 0.01, short - y + 0.55], 1)


@cache
def _opsin(device: str) -> Tensor:
    return torch.tensor(OPSIN, device=device)


def _linear(rgb: Tensor) -> Tensor:
    s = rgb / 255
    return torch.where(s <= 0.04045, s / 12.92, ((s.clamp(min=0.04) + 0.055) / 1.055) ** 2.4)


def _norms(maps: Tensor) -> Tensor:
    """Mean and 4-norm of maps [n, channels, maps, rows, columns]: [n, channels, 2, maps]."""
    squares = maps * maps
    fourth = (squares * squares).mean((-2, -1))
    return torch.stack([maps.mean((-2, -1)), (fourth + 1e-20) ** 0.25], 2)


def ssimulacra2(reference: Tensor, picture: Tensor) -> Tensor:
    """SSIMULACRA2 [n] of pictures [n, 3, rows, columns], 0 to 255; sides are multiples of 32."""
    a, b = _linear(reference), _linear(picture)
    total = torch.zeros(len(a), device=a.device)
    for scale in range(SCALES):
        if scale:
            a, b = functional.avg_pool2d(a, 2), functional.avg_pool2d(b, 2)
        total = total + (_norms(_maps(_xyb(a), _xyb(b))) * _weights(str(a.device))[:, scale]).sum((1, 2, 3))
    total = 0.9562382616834844 * total
    total = 2.326765642916932 * total - 0.020884521182843837 * total**2 + 6.248496625763138e-05 * total**3
    return 100 - 10 * total.clamp(min=1e-6) ** 0.6276336467831387


def _maps(a: Tensor, b: Tensor) -> Tensor:
    """The maps of SSIM, artefacts and lost detail of a scale: [n, 3, 3, rows, columns]."""
    with torch.no_grad():
        mean_a, square_a = blurred(torch.stack([a, a * a]))
    mean_b, square_b, product = blurred(torch.stack([b, b * b, a * b]))
    variances = (square_a - mean_a**2) + (square_b - mean_b**2) + C2
    covariance = 2 * (product - mean_a * mean_b) + C2
    ssim = (1 - (1 - (mean_a - mean_b) ** 2) * covariance / variances).clamp(min=0)
    edges = (1 + (b - mean_b).abs()) / (1 + (a - mean_a).abs()) - 1
    return torch.stack([ssim, edges.clamp(min=0), (-edges).clamp(min=0)], 2)


MS_SSIM_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def ms_ssim(a: Tensor, b: Tensor) -> Tensor:
    """MS-SSIM [n] of planes [n, rows, columns], 0 to 255, over the scales that the window fits in."""
    scales = min(len(MS_SSIM_WEIGHTS), int(math.log2(min(a.shape[-2:]) / (2 * RADIUS + 1))) + 1)
    share = sum(MS_SSIM_WEIGHTS[:scales])
    log = torch.zeros(len(a), device=a.device)
    for scale in range(scales):
        if scale:
            a, b = (functional.avg_pool2d(x[:, None], 2)[:, 0] for x in (a, b))
        mean_a, mean_b, square_a, square_b, product = blurred(torch.stack([a, b, a * a, b * b, a * b]), True)
        c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
        variances = (square_a - mean_a**2) + (square_b - mean_b**2) + c2
        value = (2 * (product - mean_a * mean_b) + c2) / variances
        if scale == scales - 1:
            value = value * (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
        log = log + MS_SSIM_WEIGHTS[scale] / share * value.mean((1, 2)).clamp(min=1e-4).log()
    return log.exp()
