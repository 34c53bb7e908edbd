"""The one kind of error that is meant for the person at the keyboard."""


class UserError(Exception):
    """A mistake that the user can fix.

    The message is one line: what is wrong, where (file:line), and what to do. The command line prints it and exits
    with code 2; nothing else catches it.
    """
