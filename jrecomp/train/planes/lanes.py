"""Networks trained side by side on one device.

On CUDA a step of a small network takes longer to launch than to compute. So a step is launched as one graph,
and each network has a stream of its own.
"""

from collections.abc import Sequence

import torch
from torch.optim import Adam

from jrecomp.train.planes.examples import Examples
from jrecomp.train.planes.network import IntegerNetwork, bits
from jrecomp.train.schedule import learning_rate

WARM_UP = 3
"""Steps before one is captured as a graph, in which CUDA and the optimizer allocate what they need."""

AHEAD = 200
"""Steps that are launched before the first of them must be done."""


class Lane:
    """A network in training."""

    def __init__(
        self, network: IntegerNetwork, examples: Examples, steps: int, batch: int, peak: float
    ) -> None:
        """peak: of the learning rate."""
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
        """Takes the first steps, and keeps a step as a CUDA graph for those that follow."""
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
        """Takes a step."""
        if self._graph is None:
            self._step()
        else:
            with torch.cuda.stream(self._stream):
                self._graph.replay()
        self.taken += 1

    def _step(self) -> None:
        """What a step computes, all of it on the device: it is the same every time."""
        which = torch.randint(len(self._examples), (self.batch,), device=self._rate.device)
        x, wanted = self._examples.take(which)
        self._optimizer.zero_grad(set_to_none=False)
        loss = bits(self.network(x), wanted) / self.batch
        loss.backward()  # type: ignore[no-untyped-call]
        self._rate.copy_(self._rates.index_select(0, self._next).view(()))
        self._optimizer.step()
        self._next += 1


def train(lanes: Sequence[Lane]) -> None:
    """Trains networks to their last steps."""
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
