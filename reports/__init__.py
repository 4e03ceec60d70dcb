"""Results as figures, tables and one HTML file."""
