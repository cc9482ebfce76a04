"""What a call costs: our lanes and clients beside local exec and the programs one would use instead.

`python -m benchmarks` from the project's directory; docs/benchmarks.md says how to read what it prints.
"""
