"""The server: listeners, sessions, child processes, stubs."""
