"""Train the conditioned U-Net on clutters of handwritten digits, as on the poster: find this digit, written otherwise.

    python3 recipes/digits.py FOLDER [--steps STEPS] [--mnist mnist.npz]

A clutter is an image of 32 x 32 pixels with four different digits at random places, the example another writing of one
of them. The digits are the 1,797 of scikit-learn, 8 x 8 pixels each, scaled up, or those of MNIST (Keras's mnist.npz).
A fifth of the writings is never seen in training and makes the scores. FOLDER gets the model, scores.json, and the
poster's figure as predictions.png and .svg: predictions in the course of training, and the loss. Takes some minutes on
two cores.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from splitstrument.stages.console import command

SIDE, DIGITS, CLASSES = 32, 4, 10
OPTIONS = {"fft_length": 2 * SIDE, "frames": SIDE, "example_frames": SIDE, "filters": 16, "most_filters": 128}
BATCH, SHOWN = 64, 5  # clutters of a step; clutters in the figure


def writings(mnist: Path | None) -> dict[int, np.ndarray]:
    """{digit: its images (count, side, side), 0..1}, about two thirds as wide as a clutter."""
    from PIL import Image

    if mnist:
        with np.load(mnist) as file:
            images, labels = np.concatenate([file["x_train"], file["x_test"]]), np.r_[file["y_train"], file["y_test"]]
    else:
        from sklearn.datasets import load_digits

        digits = load_digits()
        images, labels = (digits.images * (255 / 16)).astype(np.uint8), digits.target
    side = SIDE * 5 // 8
    scaled = [np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC)) for image in images]
    found = np.stack(scaled).astype(np.float32) / 255
    return {digit: found[labels == digit] for digit in range(CLASSES)}


class Clutters:
    """Random clutters of `digits`, {digit: images}."""

    def __init__(self, digits: dict[int, np.ndarray], seed: int) -> None:
        self.digits, self.random = digits, np.random.default_rng(seed)

    def batch(self, size: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """({"mixture", "example"}, the wanted digits' own images): each (size, SIDE + 1, SIDE, 1), an empty row first.

        Where digits cross, the clutter is as dark as the darker one, so each digit is a share of the clutter.
        """
        shape = (size, SIDE + 1, SIDE, 1)
        mixtures, examples, truths = (np.zeros(shape, np.float32) for _ in range(3))
        for number in range(size):
            chosen = self.random.choice(CLASSES, DIGITS, replace=False)
            placed = [self._placed(digit) for digit in chosen]
            mixtures[number, 1:, :, 0] = np.max(placed, 0)
            truths[number, 1:, :, 0] = placed[0]
            examples[number, 1:, :, 0] = self._placed(chosen[0])
        return {"mixture": mixtures, "example": examples}, truths

    def _placed(self, digit: int) -> np.ndarray:
        images = self.digits[digit]
        image = images[self.random.integers(len(images))]
        image_side, page = len(image), np.zeros((SIDE, SIDE), np.float32)
        top, left = self.random.integers(0, SIDE - image_side + 1, 2)
        page[top : top + image_side, left : left + image_side] = image
        return page


def scores(predicted: np.ndarray, mixtures: np.ndarray, truths: np.ndarray) -> dict[str, float]:
    """Mean squared errors of the network, of the clutter and of nothing, and SDRs in dB."""
    powers = (truths**2).sum((1, 2, 3))

    def sdr(image: np.ndarray) -> float:
        return float(np.mean(10 * np.log10(powers / (((image - truths) ** 2).sum((1, 2, 3)) + 1e-9))))

    return {
        "mse": float(((predicted - truths) ** 2).mean()),
        "mse_of_the_clutter": float(((mixtures - truths) ** 2).mean()),
        "mse_of_nothing": float((truths**2).mean()),
        "sdr": sdr(predicted),
        "sdr_of_the_clutter": sdr(mixtures),
    }


def figure(
    path: Path, shown: dict, truths: np.ndarray, course: list[np.ndarray], at: list[int], losses: list[float]
) -> None:
    """Draw the poster's figure: mixture, example, truth, predictions in the course of training; and the loss."""
    from matplotlib.figure import Figure

    from splitstrument.files.pictures import save

    columns = [
        ("clutter", shown["mixture"]),
        ("example", shown["example"]),
        *((f"step {step}", images) for step, images in zip(at, course, strict=True)),
        ("truth", truths),
    ]
    plot = Figure((1.3 * len(columns), 1.3 * SHOWN + 3), layout="constrained")
    grid = plot.add_gridspec(SHOWN + 2, len(columns))
    for column, (title, images) in enumerate(columns):
        for row in range(SHOWN):
            axes = plot.add_subplot(grid[row, column])
            axes.imshow(images[row, 1:, :, 0], cmap="gray_r", vmin=0, vmax=1)
            axes.set_xticks([])
            axes.set_yticks([])
            if row == 0:
                axes.set_title(title, fontsize=9)
    axes = plot.add_subplot(grid[SHOWN:, :])
    axes.semilogy(np.arange(1, len(losses) + 1), losses)
    axes.set_xlabel("step")
    axes.set_ylabel("mean squared error")
    save(plot, path)


@command
def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--mnist", type=Path)
    options = parser.parse_args(arguments)
    from splitstrument import models, networks
    from splitstrument.backend import keras_on

    keras_on()
    import keras
    from tqdm import trange

    images = writings(options.mnist)
    test = Clutters({digit: each[: len(each) // 5] for digit, each in images.items()}, seed=1)
    training = Clutters({digit: each[len(each) // 5 :] for digit, each in images.items()}, seed=2)
    (shown, shown_truths), (unseen, truths) = test.batch(SHOWN), test.batch(500)
    keras.utils.set_random_seed(0)
    network = networks.build("conditioned_unet", OPTIONS, ("digit",))
    found = keras.ops.multiply(network.output[..., 0], network.input["mixture"])
    trained = keras.Model(network.input, found)
    rate = keras.optimizers.schedules.CosineDecay(1e-3, options.steps, alpha=0.02)
    trained.compile(keras.optimizers.Adam(rate), "mse")
    losses, course, at = [], [], []
    for step in trange(1, options.steps + 1):
        losses.append(float(trained.train_on_batch(*training.batch(BATCH))))
        if step in (10, options.steps // 16, options.steps // 4, options.steps):
            course.append(trained.predict(shown, verbose=0))
            at.append(step)
    found = scores(trained.predict(unseen, batch_size=BATCH, verbose=0), unseen["mixture"], truths)
    source = models.Source("MNIST" if options.mnist else "scikit-learn's digits", "CC BY 4.0", "handwritten digits")
    card = models.Card("digits", ("digit",), 22050, "conditioned_unet", OPTIONS, (source,), f"{options.steps} steps")
    models.save(network, card, options.folder)
    (options.folder / "scores.json").write_text(json.dumps(found, indent=1))
    figure(options.folder / "predictions", shown, shown_truths, course, at, losses)
    print("\n".join(f"{name}: {value:.5g}" for name, value in found.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
