"""Examples for the `--help` of every command. Only text: (what the example does, its arguments)."""

EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "separate": (
        ("the guitar and the rest of a song", "song.mp3"),
        ("the song without its guitar, as FLAC", "song.mp3 --only rest --format flac"),
        ("guitar, piano and the rest, of all songs in a folder", "album/ --model guitar,piano"),
        ("half a minute, starting at 1:30", "song.mp3 --start 1:30 --duration 30"),
    ),
    "beats": (
        ("the beats and bars of a song", "song.mp3 --output structure"),
        ("a slow song that would be counted twice as fast", "song.mp3 --output structure --tempo 70"),
    ),
    "sections": (
        ("the sections of all songs in a folder", "album/ --output structure"),
        ("by spectral clustering, with up to four labels", "song.mp3 --output structure --method laplacian --groups 4"),
    ),
    "models": (
        ("list all models", ""),
        ("download a model for vocals", "--add spleeter-2stems"),
        ("add a downloaded model under a name you choose", "--add 4stems.tar.gz --name drums-and-bass"),
    ),
    "networks": (
        ("all networks", ""),
        ("one network with other options", "hourglass --set filters=92"),
    ),
    "train": (
        ("one run", "my-run.yaml --pairs data --output runs"),
        ("all runs of the 2021 thesis, one after the other", "training/configs/thesis/*.yaml --pairs data"),
        ("a run with another learning rate", "my-run.yaml --pairs data --set optimizer.learning_rate=1e-3"),
    ),
    "evaluate": (
        ("a model beside a separator that needs no training", "guitar nmf --pairs data/test --output evaluation"),
        ("a trained run, without the slowest measures", "runs/guitar --pairs data/test --quick"),
    ),
    "report": (
        ("a page with figures, pictures and excerpts", "evaluation --output report.html"),
        ("the same without sound", "evaluation --output report.html --no-audio"),
    ),
    "documents": (
        ("the tables of the documents", ""),
        ("the same with your own results, in a file", "evaluation --markdown tables.md"),
    ),
    "export": (
        ("make a trained run start quickly", "runs/guitar"),
        ("a model for a phone", "runs/guitar --format litert --output guitar.tflite"),
    ),
    "serve": (
        ("for this machine, at http://127.0.0.1:8080", ""),
        ("for all machines of your network", "--host 0.0.0.0 --models guitar piano"),
        ("with settings from a file", "--settings serve.yaml"),
    ),
    "catalogue": (
        ("two collections in one catalogue", "--medleydb MedleyDB --slakh babyslakh_16k --output data/tracks.yaml"),
        ("tables and a chart of the catalogue", "--output data/tracks.yaml --statistics data/statistics"),
    ),
    "organize": (
        ("all tracks with a guitar", "data/tracks.yaml --output data/organised --require guitar/distorted_guitar"),
        ("hard links instead of copies", "data/tracks.yaml --output data/organised --how link"),
    ),
    "label": (
        ("listen to the guitars and judge them with the keyboard", "data/organised --instrument guitar --listen"),
        ("automatic hints, the most suspicious stems first", "data/organised --instrument guitar --hints"),
        ("mark a track without listening", "data/organised --instrument guitar --tracks track1 --set bleed"),
    ),
    "mix": (
        (
            "pairs of all guitars and the rest",
            "data/organised --instrument guitar --with distorted_guitar --output data/pairs",
        ),
        ("at one sample rate, in mono", "data/organised --instrument piano --output data/pairs --rates 22050 --mono"),
    ),
    "silence": (
        ("measure the silence", "data/pairs/tracks_22050hz --statistics data/silence"),
        ("cut the silence down to 5 %", "data/pairs/tracks_22050hz --cut --target 5 --output data/cut"),
    ),
    "split": (
        ("one-minute pieces", "recordings --length 60 --output pieces"),
        ("pairs with a silent rest", "recordings --output data/pairs --pairs --rates 22050"),
    ),
    "genres": (
        ("count all tracks of a table", "genres.csv"),
        ("only the tracks of a data set, with a chart", "genres.csv data/organised --statistics data/genres"),
    ),
    "validation": (
        ("a fifth of the tracks, chosen at random", "data/pairs --output data/sets --share 20"),
        ("the tracks in a list", "data/pairs --output data/sets --list test-tracks.txt"),
    ),
    "synthesize": (
        ("ten songs from MIDI files", "--sounds soundfonts --midi midi --songs 10 --output rendered"),
        (
            "piano songs, half of them from chord charts",
            "--sounds soundfonts --midi midi --charts 0.5 --target piano --output rendered",
        ),
    ),
    "band": (
        ("one half-minute song", "--output bands"),
        ("eight short songs at 22,050 Hz", "--output bands --songs 8 --seconds 10 --rate 22050"),
    ),
    "bachata": (
        ("four songs in a steady tempo", "--sounds sfz/ FluidR3_GM.sf2 --songs 4 --tempo 120 --output tracks"),
        ("songs whose first bar comes after some beats", "--sounds sfz/ --pickup 3 --output tracks"),
    ),
}
