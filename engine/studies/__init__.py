"""Event studies: expected returns, abnormal returns, and tests that hold when one headline hits every name."""
