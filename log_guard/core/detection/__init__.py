"""Windows → results: who judges what, and when it learns."""
