"""Targets, IREE compile and run, the reference interpreter. Nothing else imports `iree`."""
