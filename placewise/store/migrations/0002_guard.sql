-- Who is asking. One request = one transaction = one guard.open(); the identity is signed here and holds only in
-- this backend and this transaction, so a forged, edited, replayed or carried-over one sees nothing.
SET ROLE placewise_guard;

CREATE TABLE guard.signing_key (
    key_id integer PRIMARY KEY CHECK (key_id = 1),
    key bytea NOT NULL
);
INSERT INTO guard.signing_key VALUES (1, public.gen_random_bytes(32));

-- What a record's id is made with (0005). Unlike the signing key it never changes: another key would make another id,
-- and a file sent twice would no longer be recognised.
CREATE TABLE guard.record_key (
    key_id integer PRIMARY KEY CHECK (key_id = 1),
    key bytea NOT NULL
);
INSERT INTO guard.record_key VALUES (1, public.gen_random_bytes(32));

CREATE TABLE guard.account (
    account_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    email text NOT NULL CONSTRAINT account_email_once UNIQUE CONSTRAINT account_email_lower CHECK (email = lower(email)),
    display_name text NOT NULL,
    password_hash text,               -- none for the command line, which never signs in with a password
    active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- The agency is a row of placewise.agency; the foreign key is added with that table.
CREATE TABLE guard.membership (
    partnership_id uuid NOT NULL,
    account_id uuid NOT NULL REFERENCES guard.account,
    agency_id uuid NOT NULL,
    roles integer NOT NULL CONSTRAINT membership_has_roles CHECK (roles BETWEEN 1 AND 127),
    valid_from date NOT NULL DEFAULT current_date,
    valid_to date NOT NULL DEFAULT current_date + 365,
    PRIMARY KEY (partnership_id, account_id)
);

CREATE TABLE guard.web_session (
    token_hash bytea PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES guard.account,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    idle interval NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX web_session_of_account ON guard.web_session (account_id);

CREATE TABLE guard.sign_in_attempt (
    email_hash bytea NOT NULL,
    address_hash bytea NOT NULL,
    attempted_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX sign_in_attempt_by_email ON guard.sign_in_attempt (email_hash, attempted_at);
CREATE INDEX sign_in_attempt_by_address ON guard.sign_in_attempt (address_hash, attempted_at);

-- A task-and-finish member sees the places named for the group, until it ends.
CREATE TABLE guard.place_grant (
    partnership_id uuid NOT NULL,
    account_id uuid NOT NULL REFERENCES guard.account,
    place_id uuid NOT NULL,
    until timestamptz NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (partnership_id, account_id, place_id)
);

-- A restricted record is seen only by the people named for it.
CREATE TABLE guard.record_grant (
    partnership_id uuid NOT NULL,
    account_id uuid NOT NULL REFERENCES guard.account,
    record_id uuid NOT NULL,
    until timestamptz NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (partnership_id, account_id, record_id)
);

CREATE FUNCTION guard.signature(payload text) RETURNS text
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT encode(public.hmac(convert_to(payload, 'UTF8'), key, 'sha256'), 'hex') FROM guard.signing_key WHERE key_id = 1
$$;

CREATE FUNCTION guard.open(token text, partnership uuid, OUT account uuid, OUT agency uuid, OUT role_bits integer)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    payload text;
BEGIN
    SELECT s.account_id, m.agency_id, m.roles INTO account, agency, role_bits
      FROM guard.web_session s
      JOIN guard.account a ON a.account_id = s.account_id
      JOIN guard.membership m ON m.account_id = a.account_id AND m.partnership_id = partnership
     WHERE s.token_hash = sha256(convert_to(token, 'UTF8'))
       AND s.ended_at IS NULL AND s.expires_at > clock_timestamp() AND s.seen_at + s.idle > clock_timestamp()
       AND a.active AND current_date BETWEEN m.valid_from AND m.valid_to;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no session' USING ERRCODE = '28000';   -- one message for every cause
    END IF;
    -- Kept to once a minute, and never waited for: the tiles of one page arrive together.
    UPDATE guard.web_session SET seen_at = clock_timestamp()
     WHERE token_hash = (SELECT w.token_hash FROM guard.web_session w
                          WHERE w.token_hash = sha256(convert_to(token, 'UTF8'))
                            AND w.seen_at < clock_timestamp() - interval '1 minute' FOR UPDATE SKIP LOCKED);
    payload := concat_ws('|', account, partnership, agency, role_bits,
                         pg_backend_pid(), extract(epoch FROM transaction_timestamp()));
    PERFORM set_config('placewise.scope', payload || '|' || guard.signature(payload), true);
END $$;

-- The n-th field of the signed identity (1 account, 2 partnership, 3 agency, 4 roles), or NULL, which matches no row.
CREATE FUNCTION guard.claim(n integer) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    part text[] := string_to_array(nullif(current_setting('placewise.scope', true), ''), '|');
BEGIN
    IF part IS NULL OR array_length(part, 1) IS DISTINCT FROM 7
       OR guard.signature(array_to_string(part[1:6], '|')) IS DISTINCT FROM part[7]
       OR part[5] IS DISTINCT FROM pg_backend_pid()::text
       OR part[6] IS DISTINCT FROM extract(epoch FROM transaction_timestamp())::text THEN
        RETURN NULL;
    END IF;
    RETURN part[n];
END $$;

CREATE FUNCTION guard.account() RETURNS uuid LANGUAGE sql STABLE PARALLEL RESTRICTED
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$ SELECT guard.claim(1)::uuid $$;
CREATE FUNCTION guard.partnership() RETURNS uuid LANGUAGE sql STABLE PARALLEL RESTRICTED
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$ SELECT guard.claim(2)::uuid $$;
CREATE FUNCTION guard.agency() RETURNS uuid LANGUAGE sql STABLE PARALLEL RESTRICTED
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$ SELECT guard.claim(3)::uuid $$;

-- Role bits, as in core/scope.py: 1 chair 2 co-ordinator 4 analyst 8 member 16 task member 32 auditor 64 administrator
CREATE FUNCTION guard.holds(mask integer) RETURNS boolean LANGUAGE sql STABLE PARALLEL RESTRICTED
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$ SELECT coalesce((guard.claim(4)::integer & mask) <> 0, false) $$;

-- An importer's key for the ids of this partnership's records. It opens nothing; who has it could only tell which id a
-- reference that they know already has.
CREATE FUNCTION guard.record_key() RETURNS bytea
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT guard.holds(6) THEN
        RAISE EXCEPTION 'not an importer' USING ERRCODE = '42501';
    END IF;
    RETURN (SELECT public.hmac(convert_to(guard.partnership()::text, 'UTF8'), k.key, 'sha256') FROM guard.record_key k);
END $$;

CREATE FUNCTION guard.granted_places() RETURNS SETOF uuid LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 20
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT g.place_id FROM guard.place_grant g
     WHERE g.partnership_id = guard.partnership() AND g.account_id = guard.account()
       AND g.until > clock_timestamp() AND guard.holds(16)
$$;

CREATE FUNCTION guard.granted_records() RETURNS SETOF uuid LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 20
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT g.record_id FROM guard.record_grant g
     WHERE g.partnership_id = guard.partnership() AND g.account_id = guard.account()
       AND g.until > clock_timestamp() AND guard.holds(31)
$$;

GRANT EXECUTE ON FUNCTION guard.open(text, uuid), guard.account(), guard.partnership(), guard.agency(),
    guard.holds(integer), guard.record_key(), guard.granted_places(), guard.granted_records() TO placewise_app, placewise_owner;
RESET ROLE;
