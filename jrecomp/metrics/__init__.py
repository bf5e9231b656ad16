"""Measures of how alike two pictures are, on arrays of samples."""

from jrecomp.metrics.decoding import Decode, pixels, to_rgb
from jrecomp.metrics.ms_ssim import ms_ssim
from jrecomp.metrics.psnr import luma_psnr, psnr
from jrecomp.metrics.ssimulacra2 import Reference, Scored, ssimulacra2

__all__ = ["Decode", "Reference", "Scored", "luma_psnr", "ms_ssim", "pixels", "psnr", "ssimulacra2", "to_rgb"]
