"""Settings for every test: deterministic in CI, and torch with few threads."""

import os

import torch
from hypothesis import HealthCheck, settings

torch.set_num_threads(1)

# In CI the same examples are drawn on every run; at a desk, new ones each time.
# too_slow only: drawing small arrays is slow on a loaded machine, and is no fault of the strategy.
settings.register_profile(
    "ci", derandomize=True, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("desk", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci" if os.environ.get("CI") else "desk")
