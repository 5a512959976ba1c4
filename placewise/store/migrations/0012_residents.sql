-- How many people live in an area, and of which year that is: what rates by residents are held against. A figure once
-- held is not changed, so that a saved map can be rebuilt: newer ones come with a boundary of a newer year.
SET ROLE placewise_owner;
ALTER TABLE placewise.boundary
    ADD COLUMN residents integer CONSTRAINT boundary_residents_not_negative CHECK (residents >= 0),
    ADD COLUMN residents_year smallint CONSTRAINT boundary_residents_year CHECK (residents_year BETWEEN 1900 AND 2100),
    ADD CONSTRAINT boundary_residents_with_year CHECK ((residents IS NULL) = (residents_year IS NULL));
-- Boundaries that were imported without residents get them by being sent again.
CREATE POLICY importers_add_residents ON placewise.boundary FOR UPDATE TO placewise_app
    USING ((SELECT guard.holds(6)) AND residents IS NULL) WITH CHECK ((SELECT guard.holds(6)));
GRANT UPDATE (residents, residents_year) ON placewise.boundary TO placewise_app;
RESET ROLE;

-- As in 0009, with the two columns of a boundary.
SET ROLE placewise_guard;
CREATE OR REPLACE FUNCTION guard.stage(target text, fixed jsonb) RETURNS TABLE (column_name text, type text)
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
        WHEN 'boundary' THEN 'import_row integer, record_id uuid, kind text, code text, name text, vintage integer,
            residents integer, residents_year smallint, wkb bytea'
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
RESET ROLE;
