"""Where the beats, bars and sections of a song are."""
