-- The audit log: who did what, when, why and to what. Appended in the transaction of the read or change itself, as its
-- last statement; chained, so that an altered or missing event is noticed.
SET ROLE placewise_guard;

CREATE TABLE audit.head (
    partnership_id uuid PRIMARY KEY,        -- the nil UUID is the chain of sign-ins
    seq bigint NOT NULL,
    hash bytea NOT NULL,
    at timestamptz NOT NULL
) WITH (fillfactor = 10);

CREATE TABLE audit.event (
    partnership_id uuid NOT NULL,
    seq bigint NOT NULL,
    at timestamptz NOT NULL,
    account_id uuid,
    action text NOT NULL,
    object_id uuid,
    outcome text NOT NULL CONSTRAINT audit_outcome CHECK (outcome IN ('allow', 'deny', 'error')),
    salt bytea,                             -- salt and payload are erased together when retention says so;
    payload text,                           -- the commitment stays, and with it the chain
    commitment bytea NOT NULL,
    previous bytea NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (partnership_id, seq)
);
CREATE INDEX audit_event_of_object ON audit.event (partnership_id, object_id, at) WHERE object_id IS NOT NULL;
CREATE INDEX audit_event_of_account ON audit.event (partnership_id, account_id, at);

-- Links one event to the chain of p; the head row stays locked until commit, so the sequence has no gap.
CREATE FUNCTION audit.chain(p uuid, actor uuid, action text, object_id uuid, outcome text, body jsonb) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    head audit.head;
    now_at timestamptz;
    salt bytea := public.gen_random_bytes(16);
    payload text;
    commitment bytea;
    new_hash bytea;
BEGIN
    INSERT INTO audit.head VALUES (p, 0, sha256(convert_to('placewise audit ' || p, 'UTF8')), '-infinity') ON CONFLICT DO NOTHING;
    SELECT * INTO head FROM audit.head h WHERE h.partnership_id = p FOR UPDATE;
    now_at := clock_timestamp();
    payload := (body || jsonb_build_object('v', 1, 'chain', p, 'seq', head.seq + 1,
        'at', to_char(now_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'account', actor, 'action', action,
        'object', object_id, 'outcome', outcome, 'clock_went_back', now_at < head.at))::text;
    commitment := sha256(salt || convert_to(payload, 'UTF8'));
    new_hash := sha256(head.hash || int8send(head.seq + 1) || commitment);
    INSERT INTO audit.event VALUES (p, head.seq + 1, now_at, actor, action, object_id, outcome, salt, payload,
                                    commitment, head.hash, new_hash);
    UPDATE audit.head h SET seq = head.seq + 1, hash = new_hash, at = now_at WHERE h.partnership_id = p;
    RETURN head.seq + 1;
END $$;

-- Everything that identifies the actor comes from the signed identity, never from the caller.
CREATE FUNCTION audit.append(action text, object_id uuid, purpose text, outcome text, n integer, request_id uuid, detail jsonb)
RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF guard.partnership() IS NULL THEN
        RAISE EXCEPTION 'no session' USING ERRCODE = '28000';
    END IF;
    RETURN audit.chain(guard.partnership(), guard.account(), action, object_id, outcome, jsonb_build_object(
        'agency', guard.agency(), 'roles', guard.claim(4)::integer, 'purpose', purpose, 'n', n,
        'request', request_id, 'detail', detail));
END $$;

CREATE FUNCTION audit.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'audit events are append-only' USING ERRCODE = '42501';
END $$;
-- Erasing salt and payload under a retention rule stays possible; nothing else is.
CREATE TRIGGER append_only BEFORE DELETE ON audit.event FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER append_only_update BEFORE UPDATE ON audit.event FOR EACH ROW
    WHEN (NEW.payload IS NOT NULL OR NEW.salt IS NOT NULL OR (OLD.partnership_id, OLD.seq, OLD.at, OLD.account_id, OLD.action,
          OLD.object_id, OLD.outcome, OLD.commitment, OLD.previous, OLD.hash) IS DISTINCT FROM
          (NEW.partnership_id, NEW.seq, NEW.at, NEW.account_id, NEW.action, NEW.object_id, NEW.outcome, NEW.commitment,
           NEW.previous, NEW.hash))
    EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON audit.event FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();

ALTER TABLE audit.event ENABLE ROW LEVEL SECURITY;
-- The guard's own functions append and verify; everyone else reads by role, in their own partnership.
CREATE POLICY tenant ON audit.event AS RESTRICTIVE TO placewise_app
    USING (partnership_id = (SELECT guard.partnership())) WITH CHECK (false);
CREATE POLICY auditors_and_own ON audit.event FOR SELECT TO placewise_app
    USING ((SELECT guard.holds(32)) OR account_id = (SELECT guard.account()));
GRANT SELECT ON audit.event TO placewise_app;
GRANT EXECUTE ON FUNCTION audit.append(text, uuid, text, text, integer, uuid, jsonb) TO placewise_app;
RESET ROLE;

-- One person's identity, with a reason, logged before it answers. NULL row: absent, hidden or not allowed.
SET ROLE placewise_guard;
CREATE FUNCTION guard.reveal_identity(person uuid, reason text, request_id uuid)
RETURNS TABLE (given_name text, family_name text, date_of_birth date, address text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    allowed boolean;
BEGIN
    IF length(btrim(coalesce(reason, ''))) < 10 THEN
        RAISE EXCEPTION 'a reason is needed' USING ERRCODE = '23514', CONSTRAINT = 'identity_needs_reason';
    END IF;
    SELECT guard.holds(3) AND (NOT p.restricted OR p.person_id IN (SELECT guard.granted_records()))
           AND (p.handling = 'P' OR p.source_agency = guard.agency() OR guard.agency() = ANY (p.release_to)
                OR p.recorded_by = guard.account())
      INTO allowed
      FROM placewise.person p WHERE p.partnership_id = guard.partnership() AND p.person_id = person;
    PERFORM audit.append('consult:identity', person, reason, CASE WHEN allowed THEN 'allow' ELSE 'deny' END, 1, request_id, NULL);
    IF allowed THEN
        RETURN QUERY SELECT i.given_name, i.family_name, i.date_of_birth, i.address
                       FROM placewise.identity i WHERE i.partnership_id = guard.partnership() AND i.person_id = person;
    END IF;
END $$;
GRANT EXECUTE ON FUNCTION guard.reveal_identity(uuid, text, uuid) TO placewise_app;

-- Sign-in. Only the door's login may call these; the pages' login cannot start a session for anyone.
-- Failures are counted, by account together with address, so that nobody elsewhere can keep a person out by guessing;
-- looser limits stand over the address and over the account alone.
CREATE FUNCTION guard.may_try(email text, address text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e bytea := sha256(convert_to(lower(email), 'UTF8'));
    a bytea := sha256(convert_to(address, 'UTF8'));
    since timestamptz := clock_timestamp() - interval '1 minute';
BEGIN
    RETURN (SELECT count(*) FROM guard.sign_in_attempt t
             WHERE t.email_hash = e AND t.address_hash = a AND t.attempted_at > since) < 6
       AND (SELECT count(*) FROM guard.sign_in_attempt t WHERE t.address_hash = a AND t.attempted_at > since) < 30
       AND (SELECT count(*) FROM guard.sign_in_attempt t WHERE t.email_hash = e AND t.attempted_at > since) < 60;
END $$;

CREATE FUNCTION guard.credentials(p_email text) RETURNS TABLE (account_id uuid, password_hash text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT a.account_id, a.password_hash FROM guard.account a WHERE a.email = lower(p_email) AND a.active
$$;

-- A sign-in belongs to the log of every partnership the account is a member of; an unknown account's to a log of its own.
CREATE FUNCTION guard.note_sign_in(account uuid, action text, outcome text, body jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    p uuid;
BEGIN
    FOR p IN SELECT m.partnership_id FROM guard.membership m WHERE m.account_id = account ORDER BY m.partnership_id LOOP
        PERFORM audit.chain(p, account, action, NULL, outcome, body);
    END LOOP;
    IF p IS NULL THEN
        PERFORM audit.chain('00000000-0000-0000-0000-000000000000', account, action, NULL, outcome, body);
    END IF;
END $$;

CREATE FUNCTION guard.start_session(account uuid, token_hash bytea, idle_minutes integer, hours integer) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO guard.web_session (token_hash, account_id, idle, expires_at)
    SELECT start_session.token_hash, a.account_id, make_interval(mins => idle_minutes), clock_timestamp() + make_interval(hours => hours)
      FROM guard.account a WHERE a.account_id = account AND a.active;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no account' USING ERRCODE = '28000';
    END IF;
    PERFORM guard.note_sign_in(account, 'authenticate:sign-in', 'allow', '{}');
END $$;

CREATE FUNCTION guard.note_refused_sign_in(p_email text, address text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e bytea := sha256(convert_to(lower(p_email), 'UTF8'));
BEGIN
    DELETE FROM guard.sign_in_attempt WHERE attempted_at < clock_timestamp() - interval '1 day';
    INSERT INTO guard.sign_in_attempt VALUES (e, sha256(convert_to(address, 'UTF8')));
    PERFORM guard.note_sign_in((SELECT a.account_id FROM guard.account a WHERE a.email = lower(p_email)),
        'authenticate:sign-in', 'deny', jsonb_build_object('email_sha256', encode(e, 'hex')));
END $$;

CREATE FUNCTION guard.end_session(p_token_hash bytea) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    account uuid;
BEGIN
    UPDATE guard.web_session SET ended_at = clock_timestamp()
     WHERE token_hash = p_token_hash AND ended_at IS NULL RETURNING account_id INTO account;
    IF account IS NOT NULL THEN
        PERFORM guard.note_sign_in(account, 'authenticate:sign-out', 'allow', '{}');
    END IF;
END $$;

-- The partnerships that a signed-in person may act in, before one is chosen.
CREATE FUNCTION guard.memberships(p_token_hash bytea)
RETURNS TABLE (partnership_id uuid, slug text, name text, synthetic boolean, agency_name text, roles integer, display_name text, account_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT p.partnership_id, p.slug, p.name, p.synthetic, g.name, m.roles, a.display_name, a.account_id
      FROM guard.web_session s
      JOIN guard.account a USING (account_id)
      JOIN guard.membership m USING (account_id)
      JOIN placewise.partnership p ON p.partnership_id = m.partnership_id
      JOIN placewise.agency g ON g.partnership_id = m.partnership_id AND g.agency_id = m.agency_id
     WHERE s.token_hash = p_token_hash AND s.ended_at IS NULL AND s.expires_at > clock_timestamp()
       AND s.seen_at + s.idle > clock_timestamp() AND a.active AND current_date BETWEEN m.valid_from AND m.valid_to
     ORDER BY p.name
$$;
GRANT EXECUTE ON FUNCTION guard.may_try(text, text), guard.credentials(text), guard.note_refused_sign_in(text, text),
    guard.start_session(uuid, bytea, integer, integer), guard.end_session(bytea), guard.memberships(bytea) TO placewise_door;
RESET ROLE;
