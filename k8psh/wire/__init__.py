"""The protocol without input or output: frames, events, the states of a connection. No trio, no sockets."""
