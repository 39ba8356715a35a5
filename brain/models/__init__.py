"""The models: which are here, how they come here, and a child process for each one that is open."""
