from pathlib import Path

from setuptools import find_packages, setup

TRAIN = [
    "h5py>=3.10",
    "json5>=0.9.14",
    "keras>=3.15,<4",
    "librosa>=0.10",
    "matplotlib>=3.8",
    "onnx>=1.17",
    "scipy>=1.13",
    "tensorboardX>=2.6",
    "tensorflow>=2.21,<3",
    "tf2onnx>=1.17",
]

YOUTUBE = ["yt-dlp[default]>=2025.10"]

setup(
    name="splitstrument",
    version="0.1.0",
    description="Take a song, get one instrument and the rest back; and the whole chain that makes such a model",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    license_files=["LICENSE"],
    keywords=["music source separation", "stems", "karaoke", "stacked hourglass", "spleeter"],
    python_requires=">=3.11",
    packages=find_packages(
        include=["splitstrument*", "datasets_tools*", "training*", "evaluation*", "structure*", "webapp*"]
    ),
    package_data={
        "splitstrument": ["py.typed", "readers/graphs/*", "shipped/*/*"],
        "datasets_tools": ["instruments.yaml", "labelling/page/static/*", "synthesis/*.yaml"],
        "training": ["configs/*.yaml", "configs/*/*.yaml"],
        "evaluation": ["*.yaml"],
        "structure": ["boundaries.onnx", "downbeats.csv"],
        "webapp": ["static/*", "pages/static/*"],
    },
    entry_points={"console_scripts": ["splitstrument = splitstrument.__main__:main"]},
    # What separates, and the tools for data; what trains is an extra.
    install_requires=[
        "argcomplete>=3.5",
        "av>=18,<19",  # its majors take arguments away
        "google-crc32c>=1.5",
        "joblib>=1.4",
        "mutagen>=1.47",
        "numpy>=2",
        "onnxruntime>=1.24",
        "platformdirs>=4",
        "pydantic>=2.7,<3",
        "PyYAML>=6",
        "soundfile>=0.14",
        "soxr>=0.4",
        "tqdm>=4.66",
    ],
    extras_require={
        # Collections of stems to pairs; dask[distributed] or ray besides, to spread the stages over a cluster.
        "datasets": ["matplotlib>=3.8", "scipy>=1.13"],
        # SoundFont banks need tinysoundfont as well: pip install --no-deps tinysoundfont (see docs/data.md).
        "synthesize": ["pretty_midi>=0.2.10", "pysfizz>=0.1.3", "scipy>=1.13"],
        # Training, models without a graph, and graphs: TensorFlow, pictures of the losses, windows of other pitch.
        "train": TRAIN,
        # Scores, baselines, pictures and reports. mir_eval 0.9 has no separation any more.
        "evaluation": [
            "librosa>=0.10",
            "markdown-it-py>=3",
            "matplotlib>=3.8",
            "mir_eval>=0.8,<0.9",
            "scikit-learn>=1.4",
            "scipy>=1.13",
            "threadpoolctl>=3",
        ],
        # Beats, bars and sections of songs.
        "structure": ["librosa>=0.10", "matplotlib>=3.8", "scikit-learn>=1.4", "scipy>=1.13"],
        # Links as songs. YouTube changes often: keep yt-dlp new.
        "youtube": YOUTUBE,
        # The pages in a browser: `serve`, and `label --listen`.
        "web": [*YOUTUBE, "matplotlib>=3.8", "multipart>=1.2", "waitress>=3.0.1,<4", "web.py>=0.62"],
        "gpu": [*TRAIN, "tensorflow[and-cuda]>=2.21,<3"],
        "test": [
            *TRAIN,
            *YOUTUBE,
            "axe-playwright-python>=0.1.4",
            "dask[distributed]>=2025.1",
            "jax[cpu]>=0.5",
            "markdown-it-py>=3",
            "mir_eval>=0.8,<0.9",
            "multipart>=1.2",
            "mypy>=2",
            "playwright>=1.49",
            "pretty_midi>=0.2.10",
            "pyloudnorm>=0.1.1",
            "pysfizz>=0.1.3",
            "pytest>=8",
            "pytest-cov>=6",
            "pytest-xdist>=3.6",
            "ruff>=0.9",
            "scikit-learn>=1.4",
            "threadpoolctl>=3",
            "types-PyYAML>=6",
            "types-tqdm>=4.66",
            "waitress>=3.0.1,<4",
            "web.py>=0.62",
            "websockets>=13",
        ],
    },
    classifiers=[
        "Development Status :: 4 - Beta",
        "Environment :: Console",
        "Environment :: Web Environment",
        "Intended Audience :: End Users/Desktop",
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Multimedia :: Sound/Audio :: Analysis",
        "Topic :: Multimedia :: Sound/Audio :: Editors",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Typing :: Typed",
    ],
)
