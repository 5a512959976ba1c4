"""The only room that speaks SQL: scoped, audited sessions, queries by noun, migrations."""
