"""The configuration: one model, read from YAML or from the classic syntax. No trio, no sockets."""
