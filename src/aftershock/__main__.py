"""Run the command line: ``python -m aftershock``."""

from aftershock.cli import main

main()
