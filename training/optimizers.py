"""The optimizer of a run and its learning rate schedule."""

from typing import Any

from training.config import Optimizer


def build(settings: Optimizer, steps: int, epochs: int) -> Any:
    """The Keras optimizer for `settings`, for `epochs` of `steps` each."""
    import keras

    kind = {"adam": keras.optimizers.Adam, "adamw": keras.optimizers.AdamW}[settings.name]
    rate = settings.learning_rate
    if settings.schedule == "cosine":
        warm_up = int(settings.warm_up * steps)
        rate = keras.optimizers.schedules.CosineDecay(
            rate / 20 if warm_up else rate,
            max(1, steps * epochs - warm_up),
            alpha=0.02,
            warmup_target=rate if warm_up else None,
            warmup_steps=warm_up,
        )
    return kind(
        rate,
        weight_decay=settings.weight_decay or (None if settings.name == "adam" else 0.0),
        global_clipnorm=settings.clip or None,
        use_ema=settings.average > 0,
        ema_momentum=settings.average or 0.99,
    )


def after_epoch(settings: Optimizer, optimizer: Any, since_best: int) -> None:
    """Apply the schedule "plateau", `since_best` epochs after the best one."""
    if settings.schedule == "plateau" and since_best and since_best % settings.patience == 0:
        rate = float(optimizer.learning_rate)
        optimizer.learning_rate = min(rate, max(settings.least, rate * settings.factor))
