"""k8psh, the Kubernetes Pod Shell: run a program of one container of a Pod from another."""

__version__ = "2.0.0"
