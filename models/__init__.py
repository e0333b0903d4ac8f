"""Ground floor: the learners. They know tensors and graphs, never files of crystals or the internet."""

import os

# Before torch loads its thread pool: threads that wait by spinning on a core that another process needs slow a network
# a hundredfold (measured: 45 instead of 4,600 crystals a second with three processes on two cores).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
