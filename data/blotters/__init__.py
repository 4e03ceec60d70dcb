"""Blotters: fills as brokers and this package write them, read into one tidy table."""

from aftershock.data.blotters.read import Blotter, read_blotter

__all__ = ["Blotter", "read_blotter"]
