"""Training of several networks in parallel on a device.

On a GPU, launching the kernels of a step takes longer than computing them. Therefore a step is launched as
one CUDA graph, and each network has its own stream.
"""

from collections.abc import Sequence

import torch
from torch.optim import Adam

from jrecomp.train.planes.examples import Examples
from jrecomp.train.planes.network import IntegerNetwork, bits
from jrecomp.train.schedule import learning_rate

WARM_UP = 3
"""Steps before the capture of the graph, in which CUDA and the optimizer allocate memory."""

AHEAD = 200
"""Number of steps that are launched before waiting for them."""


class Lane:
    """The training of a network; peak: largest learning rate."""

    def __init__(
        self, network: IntegerNetwork, examples: Examples, steps: int, batch: int, peak: float
    ) -> None:
        device = examples.x.device
        self.network = network.to(device)
        self.steps, self.batch, self._examples = steps, batch, examples
        self.taken = 0
        rates = [learning_rate(peak, step / steps) for step in range(steps)]
        self._rates = torch.tensor(rates, device=device)
        self._rate = torch.zeros((), device=device)
        self._next = torch.zeros(1, dtype=torch.long, device=device)
        self._optimizer = Adam(
            self.network.parameters(), lr=self._rate, fused=True, capturable=device.type == "cuda"
        )
        self._stream: torch.cuda.Stream | None = None
        self._graph: torch.cuda.CUDAGraph | None = None

    def capture(self) -> None:
        """Take the first steps, and capture a step as a CUDA graph for the following ones."""
        self._stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            while self.taken < WARM_UP:
                self.advance()
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self._stream):
            self._step()
        torch.cuda.synchronize()
        self._graph = graph

    def advance(self) -> None:
        """Take a step."""
        if self._graph is None:
            self._step()
        else:
            with torch.cuda.stream(self._stream):
                self._graph.replay()
        self.taken += 1

    def _step(self) -> None:
        """The computation of a step, without transfers, so that a graph can repeat it."""
        which = torch.randint(len(self._examples), (self.batch,), device=self._rate.device)
        x, decisions = self._examples.take(which)
        self._optimizer.zero_grad(set_to_none=False)
        loss = bits(self.network(x), decisions) / self.batch
        loss.backward()  # type: ignore[no-untyped-call]
        self._rate.copy_(self._rates.index_select(0, self._next).view(()))
        self._optimizer.step()
        self._next += 1


def train(lanes: Sequence[Lane]) -> None:
    """Train networks to their last steps."""
    on_cuda = any(parameter.is_cuda for lane in lanes for parameter in lane.network.parameters())
    if on_cuda:
        torch.backends.cuda.matmul.allow_tf32 = True  # exact: see jrecomp.model.network
        for lane in lanes:
            lane.capture()
    for step in range(max(lane.steps for lane in lanes)):
        for lane in lanes:
            if lane.taken < lane.steps:
                lane.advance()
        if on_cuda and step % AHEAD == 0:
            torch.cuda.synchronize()
    if on_cuda:
        torch.cuda.synchronize()
