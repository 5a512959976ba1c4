"""The words: vocabularies, scope, errors, settings. Standard library only."""
