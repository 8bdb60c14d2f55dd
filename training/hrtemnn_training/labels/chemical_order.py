# SPDX-License-Identifier: GPL-3.0-or-later
"""Chemical order: where in a particle of two metals each of them is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hrtemnn_training.images.particle_views import view_of_sample
from hrtemnn_training.images.sample import take_sample
from hrtemnn_training.metrics.metric import Metric
from hyperspy_hrtemnn.networks import PARTICLE_VIEW, view_pixels

from ._image_label import ImageLabel, f1_of_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hrtemnn_training.baselines.baseline import Baseline
    from hrtemnn_training.images.grid import Grid
    from hrtemnn_training.images.sample import Sample
    from hrtemnn_training.store import Specimen, Specimens
    from hyperspy_hrtemnn.networks import Network

    from ._kind import Activation, Task


@dataclass(frozen=True)
class ChemicalOrder(ImageLabel):
    """Chemical order of a particle; predictions are probabilities, shape (order,)."""

    name: ClassVar[str] = "Chemical order"
    task: ClassVar[Task] = "chemical order"
    channel_names: ClassVar[tuple[str, ...]] = ("core-shell", "Janus", "disordered")
    # It is standardized as a whole, in use, too.
    varies_intensity: ClassVar[bool] = False
    sees_particles: ClassVar[bool] = True
    answers: ClassVar[bool] = True
    plotted: ClassVar[tuple[Metric, ...]] = (
        Metric("accuracy", is_share=True, top=1.02),
    )

    @property
    def needed_channels(self) -> tuple[int, str]:
        """One channel for each order."""
        return len(self.channel_names), "one for each order"

    @property
    def activation(self) -> Activation:
        """Softmax, because a particle has one order."""
        return "softmax"

    def check(self) -> None:
        """Raise a ValueError if images are not single and square."""
        x, y = self.parameters.image_size
        if x != y or self.parameters.channels > 1:
            raise ValueError(
                "image_size, multifocus: the label Chemical order is of single square "
                "images"
            )
        super().check()

    def check_sampling(self, sampling: float) -> None:
        """Raise a ValueError if the images are not as large as the view in use."""
        pixels = view_pixels(sampling)
        if self.parameters.image_size[0] != pixels:
            raise ValueError(
                f"image_size: a particle is seen in {PARTICLE_VIEW:g} Å, which are "
                f"{pixels} pixels of {sampling:g} Å, not "
                f"{self.parameters.image_size[0]}"
            )

    def pair(
        self,
        specimen: Specimen,
        *,
        sampling: float,
        rng: np.random.Generator,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the view of a particle and its label.

        The whole field is imaged, and the particle cut out of it as from an image of a
        user, not quite exactly.

        Parameters
        ----------
        specimen
            Specimen that shows one particle.
        sampling
            Working sampling of the network [Å].
        rng
            Source of all random choices.

        Returns
        -------
        Standardized image, shape (y, x, 1), and label, see `draw`.

        Raises
        ------
        ValueError
            If the order is not known of the specimen, or its field is too small.
        """
        sample = take_sample(specimen, self.parameters, sampling=sampling, rng=rng)
        view = view_of_sample(sample, rng)
        return view[..., np.newaxis], self.draw(sample, sample.grid)

    def draw(self, sample: Sample, grid: Grid) -> NDArray[np.float32]:  # noqa: ARG002
        """Return 1 for the order of the particle and 0 for the others, (order,)."""
        true = self._number_of(sample)
        return np.array([i == true for i in range(len(self.channel_names))], np.float32)

    def _number_of(self, sample: Sample) -> int:
        """Return which of the orders the particle has."""
        order = sample.specimen.values.get("order")
        if order not in self.channel_names:
            raise ValueError(
                "label: Chemical order needs the order of one particle to a field, "
                f"which the generator alloy particle knows; it is {order!r}."
            )
        return self.channel_names.index(str(order))

    def validation_metrics(
        self,
        predicted: NDArray[np.float32],
        truth: NDArray[np.float32],
        threshold: float,  # noqa: ARG002
    ) -> dict[str, float]:
        """Return ``validation_f1`` of all images together, at 0.5."""
        return f1_of_all(predicted, truth)

    def predict(self, network: Network, sample: Sample) -> NDArray[np.float32]:
        """Return the probabilities that a network gives."""
        view = view_of_sample(sample)
        answer: NDArray[np.float32] = network.predict(view[np.newaxis, np.newaxis])[0]
        return answer

    def metrics(
        self, prediction: NDArray[np.floating], sample: Sample
    ) -> dict[str, float]:
        """Return whether the most probable order is right, and what it is taken for."""
        true = self._number_of(sample)
        found = int(np.argmax(prediction))
        names = self.channel_names
        return {
            "accuracy": float(found == true),
            "probability_of_truth": float(prediction[true]),
            "largest_probability": float(prediction[found]),
            f"{names[true]} as {names[found]}": 1,
        }

    def baselines(
        self,
        validation: Sequence[Sample],
        data: Specimens,  # noqa: ARG002
        rng: np.random.Generator,  # noqa: ARG002
    ) -> dict[str, Baseline]:
        """Return where brightness and lattice spacing are, tuned on the samples."""
        from hrtemnn_training.baselines.spacing_maps import tune_spacing_maps

        truth = [self._number_of(sample) for sample in validation]
        return {"spacing maps": tune_spacing_maps(validation, truth)}
