-- Calculations that take longer than a page may. The pages ask (guard.ask_analysis), a worker with a login of its own
-- takes them from the queue and acts for whoever asked, and only that person sees how far it is and what came of it.
DO $$
BEGIN
    PERFORM pg_advisory_xact_lock(727205);
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'placewise_queue') THEN
        CREATE ROLE placewise_queue;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'placewise_worker') THEN
        CREATE ROLE placewise_worker;
    END IF;
    -- The queue's tables hold ids and nothing of a record; the worker's login reaches them and five functions.
    ALTER ROLE placewise_queue NOLOGIN NOINHERIT NOBYPASSRLS NOCREATEDB NOCREATEROLE;
    ALTER ROLE placewise_worker LOGIN NOINHERIT NOBYPASSRLS NOCREATEDB NOCREATEROLE;
    ALTER ROLE placewise_worker SET statement_timeout = '15s';
    ALTER ROLE placewise_worker SET lock_timeout = '5s';
    ALTER ROLE placewise_worker SET idle_in_transaction_session_timeout = '30s';
    ALTER ROLE placewise_worker SET track_activities = off;
    ALTER ROLE placewise_worker SET search_path = queue;
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO placewise_worker', current_database());
END $$;
CREATE SCHEMA queue AUTHORIZATION placewise_queue;
GRANT USAGE ON SCHEMA queue TO placewise_guard, placewise_worker;
GRANT USAGE ON SCHEMA guard TO placewise_worker;

SET ROLE placewise_owner;
CREATE TABLE placewise.analysis (
    partnership_id uuid NOT NULL REFERENCES placewise.partnership,
    analysis_id uuid NOT NULL DEFAULT gen_random_uuid(),
    kind text NOT NULL,
    asked_by uuid NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT transaction_timestamp(),
    query jsonb NOT NULL,                   -- the map's address
    data_cut_off timestamptz NOT NULL,      -- only what was on record then goes in
    digest bytea NOT NULL CONSTRAINT analysis_digest_bytes CHECK (octet_length(digest) = 32), -- of inputs and software
    state text NOT NULL DEFAULT 'waiting'
        CONSTRAINT analysis_state_known CHECK (state IN ('waiting', 'running', 'done', 'failed', 'cancelled')),
    done integer NOT NULL DEFAULT 0,
    total integer NOT NULL DEFAULT 0,
    noted_at timestamptz NOT NULL DEFAULT transaction_timestamp(),
    cancel_asked boolean NOT NULL DEFAULT false,
    message text NOT NULL DEFAULT '',
    ended_at timestamptz,
    result jsonb,
    PRIMARY KEY (partnership_id, analysis_id),
    CONSTRAINT analysis_done_has_result CHECK ((state = 'done') = (result IS NOT NULL))
);
CREATE INDEX analysis_by_digest ON placewise.analysis (partnership_id, digest, asked_at);
CREATE INDEX analysis_unfinished ON placewise.analysis (partnership_id, asked_by) WHERE state IN ('waiting', 'running');
ALTER TABLE placewise.analysis ENABLE ROW LEVEL SECURITY;
ALTER TABLE placewise.analysis FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON placewise.analysis AS RESTRICTIVE TO placewise_app
    USING (partnership_id = (SELECT guard.partnership())) WITH CHECK (partnership_id = (SELECT guard.partnership()));
CREATE POLICY asker_reads ON placewise.analysis FOR SELECT TO placewise_app
    USING ((SELECT guard.holds(31)) AND asked_by = (SELECT guard.account()));
CREATE POLICY asker_cancels ON placewise.analysis FOR UPDATE TO placewise_app
    USING ((SELECT guard.holds(31)) AND asked_by = (SELECT guard.account()))
    WITH CHECK (asked_by = (SELECT guard.account()));
GRANT SELECT, UPDATE (cancel_asked) ON placewise.analysis TO placewise_app;
CREATE POLICY guard_keeps ON placewise.analysis TO placewise_guard USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON placewise.analysis TO placewise_guard;
RESET ROLE;

SET ROLE placewise_guard;
-- A session that a worker holds while it reads the records for a calculation; it is no sign-in.
ALTER TABLE guard.web_session ADD COLUMN analysis_id uuid;

-- Ask for a calculation; one that is already on its way for the same person and the same inputs is not asked twice.
CREATE FUNCTION guard.ask_analysis(kind text, query jsonb, data_cut_off timestamptz, digest bytea) RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    me uuid := guard.account();
    here uuid := guard.partnership();
    asked uuid;
BEGIN
    IF NOT guard.holds(31) THEN
        RAISE EXCEPTION 'no reader' USING ERRCODE = '42501';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended(me::text, 727206));
    SELECT a.analysis_id INTO asked FROM placewise.analysis a
     WHERE a.partnership_id = here AND a.asked_by = me AND a.digest = ask_analysis.digest
       AND a.state IN ('waiting', 'running') AND NOT a.cancel_asked;
    IF FOUND THEN
        RETURN asked;
    END IF;
    IF (SELECT count(*) FROM placewise.analysis a
         WHERE a.partnership_id = here AND a.asked_by = me AND a.state IN ('waiting', 'running')) >= 5 THEN
        RAISE EXCEPTION 'five at once' USING ERRCODE = '23514', CONSTRAINT = 'analyses_at_once';
    END IF;
    INSERT INTO placewise.analysis (partnership_id, kind, asked_by, query, data_cut_off, digest)
    VALUES (here, ask_analysis.kind, me, ask_analysis.query, ask_analysis.data_cut_off, ask_analysis.digest)
    RETURNING analysis_id INTO asked;
    PERFORM queue.procrastinate_defer_jobs_v1(ARRAY[ROW('analyses', 'analyse', 0, NULL, NULL,
        jsonb_build_object('analysis_id', asked), NULL)]::queue.procrastinate_job_to_defer_v1[]);
    RETURN asked;
END $$;

-- A result by the digest of its inputs, whoever asked for it: who can make the digest holds the inputs already.
CREATE FUNCTION guard.find_result(digest bytea, OUT analysis_id uuid, OUT ended_at timestamptz, OUT result jsonb)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT a.analysis_id, a.ended_at, a.result FROM placewise.analysis a
     WHERE a.partnership_id = guard.partnership() AND a.digest = find_result.digest AND a.state = 'done' AND guard.holds(31)
     ORDER BY a.asked_at DESC LIMIT 1
$$;

-- Begin (or begin again) a calculation, in the name of whoever asked and with what that person may do now: a session
-- for the worker, for as long as reading the records may take.
CREATE FUNCTION guard.start_analysis(analysis uuid, token_hash bytea, OUT partnership uuid, OUT kind text, OUT query jsonb,
    OUT data_cut_off timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    asker uuid;
BEGIN
    UPDATE placewise.analysis a SET state = 'running', done = 0, total = 0, noted_at = clock_timestamp()
     WHERE a.analysis_id = analysis AND a.state IN ('waiting', 'running') AND NOT a.cancel_asked
       AND EXISTS (SELECT FROM guard.membership m JOIN guard.account c ON c.account_id = m.account_id
                    WHERE m.partnership_id = a.partnership_id AND m.account_id = a.asked_by AND c.active
                      AND current_date BETWEEN m.valid_from AND m.valid_to AND m.roles & 31 <> 0)
    RETURNING a.partnership_id, a.kind, a.query, a.data_cut_off, a.asked_by
         INTO partnership, kind, query, data_cut_off, asker;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    INSERT INTO guard.web_session (token_hash, account_id, idle, expires_at, analysis_id)
    VALUES (start_analysis.token_hash, asker, interval '10 minutes', clock_timestamp() + interval '10 minutes', analysis);
END $$;

-- How far it is; true when it is no longer wanted.
CREATE FUNCTION guard.note_analysis(analysis uuid, done integer, total integer) RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE placewise.analysis a SET done = note_analysis.done, total = note_analysis.total, noted_at = clock_timestamp()
     WHERE a.analysis_id = analysis AND a.state = 'running' RETURNING a.cancel_asked
$$;

CREATE FUNCTION guard.end_analysis(analysis uuid, state text, message text, digest bytea, result jsonb) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE guard.web_session s SET ended_at = clock_timestamp()
     WHERE s.analysis_id = analysis AND s.ended_at IS NULL;
    UPDATE placewise.analysis a
       SET state = end_analysis.state, message = end_analysis.message, result = end_analysis.result,
           digest = coalesce(end_analysis.digest, a.digest), ended_at = clock_timestamp(), noted_at = clock_timestamp()
     WHERE a.analysis_id = analysis AND a.state IN ('waiting', 'running')
$$;

-- Results can be made again; none is kept longer than it is likely to be looked at.
CREATE FUNCTION guard.forget_analyses(days integer) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH gone AS (DELETE FROM placewise.analysis a
                   WHERE a.asked_at < clock_timestamp() - days * interval '1 day' RETURNING 1)
    SELECT count(*) FROM gone
$$;

GRANT EXECUTE ON FUNCTION guard.ask_analysis(text, jsonb, timestamptz, bytea), guard.find_result(bytea) TO placewise_app;
GRANT EXECUTE ON FUNCTION guard.start_analysis(uuid, bytea), guard.note_analysis(uuid, integer, integer),
    guard.end_analysis(uuid, text, text, bytea, jsonb), guard.forget_analyses(integer) TO placewise_worker;

-- As in 0010, but a worker's session is no sign-in.
CREATE OR REPLACE FUNCTION guard.list_accounts()
RETURNS TABLE (account_id uuid, display_name text, email text, agency_name text, roles integer, valid_from date, valid_to date,
               active boolean, signs_in boolean, last_sign_in timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT guard.holds(64) THEN
        RAISE EXCEPTION 'not an administrator' USING ERRCODE = '42501';
    END IF;
    RETURN QUERY
        SELECT a.account_id, a.display_name, a.email, g.name, m.roles, m.valid_from, m.valid_to, a.active,
               a.password_hash IS NOT NULL,
               (SELECT max(s.started_at) FROM guard.web_session s
                 WHERE s.account_id = a.account_id AND s.analysis_id IS NULL)
          FROM guard.membership m
          JOIN guard.account a ON a.account_id = m.account_id
          JOIN placewise.agency g ON g.partnership_id = m.partnership_id AND g.agency_id = m.agency_id
         WHERE m.partnership_id = guard.partnership()
         ORDER BY a.display_name, a.email;
END $$;
RESET ROLE;
