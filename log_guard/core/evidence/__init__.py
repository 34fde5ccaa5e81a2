"""Why a window is not normal, for people."""
