"""Plot the history of a run."""

from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from splitstrument.files import pictures


def losses(path: Path, history: list[dict], title: str) -> None:
    """Draw the losses, SDRs and learning rate of a history (one dict per epoch); write `path`.png and .svg."""
    figure = Figure(figsize=(9, 8), layout="constrained")
    panels = figure.subplots(3, 1, sharex=True, height_ratios=(3, 3, 1))
    epochs = [row["epoch"] for row in history]
    for axes, names, label in (
        (panels[0], ("loss", "val_loss"), "loss"),
        (panels[1], ("sdr", "val_sdr", "si_sdr", "val_si_sdr"), "dB"),
        (panels[2], ("learning_rate",), "learning rate"),
    ):
        for name in names:
            held_out = name.startswith("val_")
            label_of = {True: f"validation: {name.removeprefix('val_')}", False: f"training: {name}"}[held_out]
            colour = "tab:orange" if "si_sdr" in name else "tab:blue"
            axes.plot(
                epochs,
                [row[name] for row in history],
                "-" if held_out else "--",
                color=colour,
                marker="." if len(epochs) < 40 else None,
                label=label_of,
            )
        axes.set_ylabel(label)
        axes.grid(color="0.9")
        axes.spines[["top", "right"]].set_visible(False)
    best = min(history, key=lambda row: row["val_loss"])["epoch"]
    for axes in panels[:2]:
        axes.axvline(best, color="0.6", linewidth=1, label=f"best epoch: {best}")
        axes.legend(fontsize="small")
    panels[0].set_title(title, parse_math=False)
    panels[2].set_xlabel("epoch")
    panels[2].xaxis.set_major_locator(MaxNLocator(integer=True))
    pictures.save(figure, path)
