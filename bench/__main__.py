"""`python -m bench` is `changeover`."""

from bench.cli import main

main()
