"""Ground floor: the learners. They know tensors and graphs, never files of crystals or the internet."""

import ctypes
import os
import platform

# Before torch loads its thread pool: threads that wait by spinning on a core that another process needs slow a network
# a hundredfold (measured: 45 instead of 4,600 crystals a second with three processes on two cores).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# glibc hands each freed block of some MB back to the system and then faults a new one in page by page; the tensors of a batch
# are such blocks. Keeping them makes training 1.2 to 1.5 times and inference twice as fast (measured).
if platform.libc_ver()[0] == "glibc":
    _M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
    _libc = ctypes.CDLL(None)
    _libc.mallopt(_M_MMAP_THRESHOLD, 32 * 2**20)  # the most that it accepts
    _libc.mallopt(_M_TRIM_THRESHOLD, 256 * 2**20)
