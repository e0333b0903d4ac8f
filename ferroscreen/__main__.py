"""`python -m ferroscreen` is `ferroscreen`."""

from flows.cli import main

if __name__ == "__main__":
    main()
