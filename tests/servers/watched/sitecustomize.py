"""Found by every Python process that has this folder on its PYTHONPATH: notes each host name that is looked up, and looks it up.

Host names of this machine are not noted. The file is named by LOOKUPS_FILE.
"""

import os
import socket

_LOCAL = {"", "localhost", "127.0.0.1", "::1", "0.0.0.0", socket.gethostname()}
_ask = socket.getaddrinfo


def _noted(host, *arguments, **options):
    name = host.decode() if isinstance(host, bytes) else host
    if name is not None and name not in _LOCAL:
        with open(os.environ["LOOKUPS_FILE"], "a") as file:
            file.write(f"{name}\n")
    return _ask(host, *arguments, **options)


if "LOOKUPS_FILE" in os.environ:
    socket.getaddrinfo = _noted
