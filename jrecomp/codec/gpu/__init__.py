"""The engine of models of planes for GPUs, in kernels of Triton (docs/decisions/0011-gpu-engine.md).

The same kernels run on a CPU in Triton's interpreter, for tests.
"""
