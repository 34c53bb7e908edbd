"""What the user can put right: one line, exit code 2."""


class RefusedError(Exception):
    """Its text is printed after ``error:``."""
