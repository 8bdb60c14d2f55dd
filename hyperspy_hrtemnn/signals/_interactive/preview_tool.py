# SPDX-License-Identifier: GPL-3.0-or-later
"""Preview tool: options as traits, and a figure of what they do to one frame."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import traits.api as t

from hyperspy_hrtemnn.signals._shared.entrance import given
from hyperspy_hrtemnn.signals._shared.frames import frame_index

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D

# Width and height of the figure of one panel [inches].
_PANEL = (5.0, 5.0)


class PreviewTool(t.ABCHasTraits):  # type: ignore[misc]
    """A figure of the frame where the navigator of a signal is, drawn anew as it moves.

    Parameters
    ----------
    navigated
        The signal whose navigator says which frame is shown.
    panels
        Number of pictures beside one another.
    """

    message = t.Str(desc="what there is to say of the preview: numbers, or an error")
    drawn = t.Event(desc="the figure is another one")
    result = t.Any(desc="what `apply` has returned last")
    _options = t.Tuple(desc="names of the options, once the tool is ready")

    def __init__(self, navigated: Signal2D, panels: int = 1) -> None:
        # Imported here, because the import takes a while.
        from matplotlib.figure import Figure

        super().__init__()
        self.navigated = given(navigated)
        width, height = _PANEL
        # Not one of pyplot's, which a notebook would show a second time.
        self.figure = Figure(figsize=(panels * width, height), layout="constrained")

    def __setattr__(self, name: str, value: Any) -> None:
        # Traits takes any name, and an option that is misspelled would change nothing.
        if self._options and not (name.startswith("_") or name in self.trait_names()):
            raise AttributeError(
                f"There is no option {name!r}; there are {', '.join(self._options)}."
            )
        super().__setattr__(name, value)

    @abstractmethod
    def apply(self, **options: Any) -> Signal2D:
        """Return the result for all frames, which is kept as ``result``, too."""

    @abstractmethod
    def _draw(self, where: tuple[int, ...]) -> str:
        """Draw the preview of a frame; return what there is to say of it."""

    def refresh(self) -> None:
        """Draw the preview anew. What is wrong is said in the message, not raised."""
        self.figure.clear()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("ignore")
            warnings.simplefilter("always", UserWarning)
            try:
                said = self._draw(frame_index(self.navigated, None))
            except ValueError as error:
                said = str(error)
        # The same may be said of several steps.
        texts = dict.fromkeys(str(each.message) for each in caught)
        self.message = "\n".join(filter(None, (said, *texts)))
        self.drawn = True

    def close(self) -> None:
        """Leave the navigator alone."""
        if self.refresh in self._events().connected:
            self._events().disconnect(self.refresh)

    def _start(self, *names: str) -> None:
        """Draw the first preview, and the next ones as traits or the frame change."""
        # A cell that is run again would leave a network at work that nobody looks at.
        following = vars(self.navigated).setdefault("_following_tools", {})
        if type(self) in following:
            following[type(self)].close()
        following[type(self)] = self
        self.refresh()
        for name in names:
            self.observe(lambda _: self.refresh(), name)
        self._events().connect(self.refresh, [])
        self._options = names

    def _events(self) -> Any:
        return self.navigated.axes_manager.events.indices_changed
