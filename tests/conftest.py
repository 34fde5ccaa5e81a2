"""Settings for all tests."""

from hypothesis import settings

# No deadlines: a machine may be slow, and a test says nothing about speed. The same examples each
# time: a change is judged by what it changed.
settings.register_profile("logguard", deadline=None, derandomize=True, max_examples=40)
settings.load_profile("logguard")
