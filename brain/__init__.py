"""Brain: the search bar for your own notes. The engine; it knows nothing of any screen."""

__version__ = "0.1.0"
