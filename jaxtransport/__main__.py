"""`python -m jaxtransport`: the command line."""

from jaxtransport.cli import main

if __name__ == "__main__":
    main()
