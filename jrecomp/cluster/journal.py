"""Which files workers died of. The module imports little, because the journal has a process of its own."""

from collections import Counter


class Journal:
    """Knows which tasks were begun and, of those begun again, how many workers died at which file.

    It outlives the workers. A task that is begun again has lost its worker. From then on its files are noted
    one by one; tasks that are begun once cost one message.
    """

    def __init__(self) -> None:
        self._at_hand: dict[str, int | None] = {}
        self._deaths = Counter[tuple[str, int | None]]()

    def begin(self, task: str) -> bool:
        """Note that a worker begins with a task; returns whether another one had begun with it."""
        again = task in self._at_hand
        if again:
            self._deaths[task, self._at_hand[task]] += 1
        self._at_hand[task] = None
        return again

    def at(self, task: str, place: int) -> int:
        """Note that a worker begins with a file; returns the number of workers that died at it.

        place: of the file in its task.
        """
        self._at_hand[task] = place
        return self._deaths[task, place]
