"""The commands, one file a group. Heavy packages are imported inside them, so that --help answers at once."""
