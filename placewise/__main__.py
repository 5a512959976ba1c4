"""``python -m placewise``: the same as the ``placewise`` command."""

from placewise.web.commands import main

if __name__ == "__main__":
    main()
