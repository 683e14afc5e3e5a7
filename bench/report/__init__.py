"""The report of a run: one page, one Markdown file and one terminal table of the same numbers."""
