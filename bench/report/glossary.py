"""The words of the project, explained for a reader who knows one of the two engines."""

import tomllib
from importlib.resources import files

_READ = tomllib.loads((files("bench.report") / "glossary.toml").read_text(encoding="utf-8"))
WORDS: dict[str, str] = _READ["words"]
GLOSSARY = {word: WORDS[word] for word in _READ["in_report"]}
"""The words that a report uses."""
