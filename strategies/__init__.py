"""Which events, which instruments, which side, when out."""
