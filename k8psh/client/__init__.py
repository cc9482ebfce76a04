"""The client: connect, relay, end as the command ended."""
