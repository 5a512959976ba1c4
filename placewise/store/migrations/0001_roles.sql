-- Roles, schemas and extensions. Run as a superuser; everything after it works without one.
--   placewise_owner  owns the tables and is bound by row-level security itself (FORCE)
--   placewise_guard  owns who-is-asking and the audit log; its functions are the only way to them
--   placewise_app    the pages' login: owns nothing, creates nothing, deletes nothing
--   placewise_door   the sign-in's login: may start sessions and see no record
CREATE EXTENSION IF NOT EXISTS postgis;
CREATE EXTENSION IF NOT EXISTS pgcrypto;

DO $$
DECLARE
    wanted text;
BEGIN
    -- Roles belong to the whole cluster; two databases may be migrated at once.
    PERFORM pg_advisory_xact_lock(727205);
    FOREACH wanted IN ARRAY ARRAY['placewise_owner', 'placewise_guard', 'placewise_app', 'placewise_door'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I', wanted);
        END IF;
    END LOOP;
    ALTER ROLE placewise_owner NOLOGIN NOINHERIT NOBYPASSRLS NOCREATEDB NOCREATEROLE;
    ALTER ROLE placewise_guard NOLOGIN NOINHERIT NOBYPASSRLS NOCREATEDB NOCREATEROLE;
    ALTER ROLE placewise_app LOGIN NOINHERIT NOBYPASSRLS NOCREATEDB NOCREATEROLE;
    ALTER ROLE placewise_door LOGIN NOINHERIT NOBYPASSRLS NOCREATEDB NOCREATEROLE;
    -- A runaway page must not hold the database; the import raises these for its own transaction.
    ALTER ROLE placewise_app SET statement_timeout = '15s';
    ALTER ROLE placewise_app SET lock_timeout = '2s';
    ALTER ROLE placewise_app SET idle_in_transaction_session_timeout = '30s';
    ALTER ROLE placewise_door SET statement_timeout = '5s';
    -- Other sessions' SQL, with its values, would otherwise be readable in pg_stat_activity.
    ALTER ROLE placewise_app SET track_activities = off;
    ALTER ROLE placewise_door SET track_activities = off;
END $$;
REVOKE EXECUTE ON FUNCTION pg_stat_get_activity(integer) FROM PUBLIC;

DO $$
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO placewise_app, placewise_door', current_database());
    -- Only for the import's staging tables, which a function of the guard makes and drops with the transaction.
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO placewise_guard', current_database());
END $$;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO placewise_owner, placewise_guard, placewise_app;

CREATE SCHEMA guard AUTHORIZATION placewise_guard;
CREATE SCHEMA audit AUTHORIZATION placewise_guard;
CREATE SCHEMA placewise AUTHORIZATION placewise_owner;
CREATE SCHEMA ref AUTHORIZATION placewise_owner;
GRANT USAGE ON SCHEMA guard, audit, placewise, ref TO placewise_app;
GRANT USAGE ON SCHEMA guard TO placewise_owner, placewise_door;
GRANT USAGE ON SCHEMA placewise, ref TO placewise_guard;

ALTER DEFAULT PRIVILEGES FOR ROLE placewise_guard, placewise_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- Under row-level security the planner may use an index only through leakproof operators. This one compares
-- bounding boxes, raises nothing and shows nothing; without it a 300 m box costs 51 ms instead of 2.6.
ALTER FUNCTION geometry_overlaps(geometry, geometry) LEAKPROOF;
