from pathlib import Path

from setuptools import find_packages, setup

setup(
    name="splitstrument",
    version="0.1.0",
    description="Take a song, get one instrument and the rest back; and the whole chain that makes such a model",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.11",
    packages=find_packages(include=["splitstrument*", "datasets_tools*", "training*", "evaluation*", "webapp*"]),
    package_data={
        "splitstrument": ["py.typed", "shipped/*/*"],
        "datasets_tools": ["instruments.yaml", "labelling/page/static/*", "synthesis/*.yaml"],
        "training": ["configs/*.yaml", "configs/*/*.yaml"],
        "evaluation": ["*.yaml"],
        "webapp": ["static/*", "pages/static/*"],
    },
    entry_points={"console_scripts": ["splitstrument = splitstrument.__main__:main"]},
    install_requires=[
        "av>=18",
        "h5py>=3.10",
        "joblib>=1.4",
        "json5>=0.9.14",
        "keras>=3.15,<4",
        "numpy>=2",
        "platformdirs>=4",
        "pydantic>=2.7,<3",
        "PyYAML>=6",
        "scipy>=1.13",
        "soundfile>=0.14",
        "soxr>=0.4",
        "tensorflow>=2.21,<3",
        "tqdm>=4.66",
    ],
    extras_require={
        # Collections of stems to pairs; dask[distributed] or ray besides, to spread the stages over a cluster.
        "datasets": ["joblib>=1.4", "matplotlib>=3.8"],
        # SoundFont banks need tinysoundfont as well: pip install --no-deps tinysoundfont (see docs/data.md).
        "synthesize": ["joblib>=1.4", "pretty_midi>=0.2.10", "pysfizz>=0.1.3"],
        # Pictures of the losses, windows of other pitch and tempo, TensorBoard's files.
        "training": ["librosa>=0.10", "matplotlib>=3.8", "tensorboardX>=2.6"],
        # Scores, baselines, pictures and reports. mir_eval 0.9 has no separation any more.
        "evaluation": [
            "joblib>=1.4",
            "librosa>=0.10",
            "markdown-it-py>=3",
            "matplotlib>=3.8",
            "mir_eval>=0.8,<0.9",
            "scikit-learn>=1.4",
            "threadpoolctl>=3",
        ],
        # The pages in a browser: `serve`, and `label --listen`. YouTube changes often: keep yt-dlp new.
        "web": ["matplotlib>=3.8", "multipart>=1.2", "waitress>=3.0.1,<4", "web.py>=0.62", "yt-dlp[default]>=2025.10"],
        "gpu": ["tensorflow[and-cuda]>=2.21,<3"],
        "test": [
            "axe-playwright-python>=0.1.4",
            "dask[distributed]>=2025.1",
            "jax[cpu]>=0.5",
            "joblib>=1.4",
            "librosa>=0.10",
            "markdown-it-py>=3",
            "matplotlib>=3.8",
            "mir_eval>=0.8,<0.9",
            "multipart>=1.2",
            "playwright>=1.49",
            "pretty_midi>=0.2.10",
            "pyloudnorm>=0.1.1",
            "pysfizz>=0.1.3",
            "pytest>=8",
            "pytest-xdist>=3.6",
            "ruff>=0.9",
            "scikit-learn>=1.4",
            "tensorboardX>=2.6",
            "threadpoolctl>=3",
            "waitress>=3.0.1,<4",
            "web.py>=0.62",
            "yt-dlp[default]>=2025.10",
        ],
    },
    classifiers=[
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Topic :: Multimedia :: Sound/Audio :: Analysis",
    ],
)
