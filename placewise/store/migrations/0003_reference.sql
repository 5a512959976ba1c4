-- The vocabularies as rows with effective dates. placewise/core/terms holds the same words; a test compares them.
SET ROLE placewise_owner;

CREATE TABLE ref.term (
    vocabulary text NOT NULL,
    code text NOT NULL,
    label text NOT NULL,
    gloss text NOT NULL DEFAULT '',
    valid_from date,
    valid_to date,
    extra text NOT NULL DEFAULT '',
    PRIMARY KEY (vocabulary, code)
);
ALTER TABLE ref.term ENABLE ROW LEVEL SECURITY;
ALTER TABLE ref.term FORCE ROW LEVEL SECURITY;
CREATE POLICY everyone_reads ON ref.term FOR SELECT TO placewise_app, placewise_owner, placewise_guard USING (true);
GRANT SELECT ON ref.term TO placewise_app, placewise_guard;

-- Checked once per statement over all new rows: a foreign key per row and word would cost an import more than
-- everything else together. Arguments are pairs (column, vocabulary); a text[] column is checked word by word.
CREATE FUNCTION ref.check_terms() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    i integer;
    wrong text;
    words text;
BEGIN
    FOR i IN 0 .. TG_NARGS - 1 BY 2 LOOP
        words := CASE WHEN TG_ARGV[i] LIKE '%[]'
            THEN format('SELECT DISTINCT unnest(%I) AS word FROM new_rows', left(TG_ARGV[i], -2))
            ELSE format('SELECT DISTINCT %I::text AS word FROM new_rows', TG_ARGV[i]) END;
        EXECUTE format('SELECT word FROM (%s) w WHERE word IS NOT NULL AND NOT EXISTS
                        (SELECT FROM ref.term t WHERE t.vocabulary = %L AND t.code = word) LIMIT 1', words, TG_ARGV[i + 1])
           INTO wrong;
        IF wrong IS NOT NULL THEN
            RAISE EXCEPTION '% is not in the vocabulary %', wrong, TG_ARGV[i + 1]
                USING ERRCODE = '23514', CONSTRAINT = 'known_' || TG_ARGV[i + 1], TABLE = TG_TABLE_NAME;
        END IF;
    END LOOP;
    RETURN NULL;
END $$;
GRANT EXECUTE ON FUNCTION ref.check_terms() TO placewise_app;
RESET ROLE;
