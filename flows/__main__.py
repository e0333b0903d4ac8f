"""`python -m flows` is `ferroscreen`."""

from flows.cli import main

if __name__ == "__main__":
    main()
