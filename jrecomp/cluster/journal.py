"""Which files workers died of. The module imports little, because the journal has a process of its own."""

from collections import Counter


class Journal:
    """Knows which file of each task is at hand, and how many workers died while they handled it.

    It outlives the workers. A task that is begun again has lost its worker at the last file that was begun.
    """

    def __init__(self) -> None:
        self._at_hand: dict[str, int] = {}
        self._deaths = Counter[tuple[str, int]]()

    def begin(self, task: str, place: int) -> int:
        """Note that a worker begins with a file; returns the number of workers that died at it.

        place: of the file in its task.
        """
        before = self._at_hand.get(task, -1)
        if place <= before:
            self._deaths[task, before] += 1
        self._at_hand[task] = place
        return self._deaths[task, place]
