-- COPY cannot write to a table with row-level security, so an import copies into a table of its own that nobody else
-- can see and that ends with the transaction, and then inserts from there under the policies. The pages' login may not
-- make tables: this function makes them.
SET ROLE placewise_guard;
-- `fixed` gives what every row of the chunk says in a column: its default, which is then not copied. Returns the columns
-- with their types, by which the rows are written.
CREATE FUNCTION guard.stage(target text, fixed jsonb) RETURNS TABLE (column_name text, type text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    evidence constant text := 'import_row integer, local_ref text, source_grade smallint, assessment text, handling text,
        handling_conditions text, basis text, review_due date, record_id uuid, content_digest bytea';
    located constant text := ', x double precision, y double precision, wkb bytea, accuracy text, radius_m real, area_code text';
    shape text;
    said record;
BEGIN
    IF NOT guard.holds(6) THEN
        RAISE EXCEPTION 'not an importer' USING ERRCODE = '42501';
    END IF;
    shape := CASE target
        WHEN 'event' THEN evidence || located || ', kind text, category text, harm_types text[], occurred_from timestamptz,
            occurred_to timestamptz, reported_at timestamptz, place_ref text, relation text, summary text,
            children text[], adults text[], child_role text, returned_at timestamptz, risk text,
            interview_offered_at timestamptz, interview_completed_at timestamptz, push_factors text[], pull_factors text[]'
        WHEN 'place' THEN evidence || located || ', name text, aliases text[], location_type text, place_role text,
            status text, online boolean, opening_hours text, place_manager text, guardianship text, strengths text'
        WHEN 'person' THEN evidence || ', kind text, age_band text, sex text, care_status text, concern_category text,
            dual_role boolean, given_name text, family_name text, date_of_birth date, address text'
        WHEN 'peer_group' THEN evidence || ', name text, member_ref text, joined_on date, left_on date,
            assessment_status text, norms text, strengths text'
        WHEN 'link' THEN evidence || ', from_kind text, from_ref text, to_kind text, to_ref text, type text, strength text,
            first_seen date, last_seen date, expires_on date, evidence_refs text[], evidence_note text'
        WHEN 'boundary' THEN 'import_row integer, record_id uuid, kind text, code text, name text, vintage integer, wkb bytea'
        WHEN 'street' THEN 'import_row integer, record_id uuid, name text, street_class text, wkb bytea'
        WHEN 'feature' THEN 'import_row integer, record_id uuid, kind text, name text, wkb bytea'
    END;
    IF shape IS NULL THEN
        RAISE EXCEPTION 'nothing is staged for %', target USING ERRCODE = '22023';
    END IF;
    EXECUTE format('DROP TABLE IF EXISTS pg_temp.%I', 'staged_' || target);     -- of the chunk before
    EXECUTE format('CREATE TEMPORARY TABLE %I (%s) ON COMMIT DROP', 'staged_' || target, shape);
    FOR said IN SELECT * FROM jsonb_each_text(fixed) LOOP
        EXECUTE format('ALTER TABLE pg_temp.%I ALTER COLUMN %I SET DEFAULT %L', 'staged_' || target, said.key, said.value);
    END LOOP;
    EXECUTE format('GRANT SELECT, INSERT, DELETE ON pg_temp.%I TO placewise_app', 'staged_' || target);
    RETURN QUERY SELECT a.attname::text, format_type(a.atttypid, NULL) FROM pg_attribute a
                  WHERE a.attrelid = to_regclass(format('pg_temp.%I', 'staged_' || target)) AND a.attnum > 0;
END $$;

-- Staged events whose record is held already, hidden ones among them: the importer learns no more than that the row is a
-- duplicate. One look-up a row by index: the planner knows nothing of tables that are just being filled.
CREATE FUNCTION guard.held_events() RETURNS SETOF integer
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    mine uuid := guard.partnership();
BEGIN
    IF NOT guard.holds(6) THEN
        RAISE EXCEPTION 'not an importer' USING ERRCODE = '42501';
    END IF;
    RETURN QUERY SELECT s.import_row FROM pg_temp.staged_event s
        CROSS JOIN LATERAL (SELECT FROM placewise.event e
            WHERE e.partnership_id = mine AND e.event_id = s.record_id OFFSET 0) held;
END $$;
GRANT EXECUTE ON FUNCTION guard.stage(text, jsonb), guard.held_events() TO placewise_app;
RESET ROLE;
