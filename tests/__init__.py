"""The tests; a package, since optimade installs one of the same name."""
