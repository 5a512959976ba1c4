-- Accounts as administrators see them, and names for auditors. Both answer for the signed partnership only.
SET ROLE placewise_guard;

CREATE FUNCTION guard.list_accounts()
RETURNS TABLE (account_id uuid, display_name text, email text, agency_name text, roles integer, valid_from date, valid_to date,
               active boolean, signs_in boolean, last_sign_in timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT guard.holds(64) THEN
        RAISE EXCEPTION 'not an administrator' USING ERRCODE = '42501';
    END IF;
    RETURN QUERY
        SELECT a.account_id, a.display_name, a.email, g.name, m.roles, m.valid_from, m.valid_to, a.active,
               a.password_hash IS NOT NULL,     -- the command line acts by an account that never signs in
               (SELECT max(s.started_at) FROM guard.web_session s WHERE s.account_id = a.account_id)
          FROM guard.membership m
          JOIN guard.account a ON a.account_id = m.account_id
          JOIN placewise.agency g ON g.partnership_id = m.partnership_id AND g.agency_id = m.agency_id
         WHERE m.partnership_id = guard.partnership()
         ORDER BY a.display_name, a.email;
END $$;

-- The audit log keeps ids; an auditor needs to know whom to ask.
CREATE FUNCTION guard.name_accounts() RETURNS TABLE (account_id uuid, display_name text, agency_name text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT guard.holds(32) THEN
        RAISE EXCEPTION 'not an auditor' USING ERRCODE = '42501';
    END IF;
    RETURN QUERY
        SELECT a.account_id, a.display_name, g.name
          FROM guard.membership m
          JOIN guard.account a ON a.account_id = m.account_id
          JOIN placewise.agency g ON g.partnership_id = m.partnership_id AND g.agency_id = m.agency_id
         WHERE m.partnership_id = guard.partnership()
         ORDER BY a.display_name, a.account_id;
END $$;

GRANT EXECUTE ON FUNCTION guard.list_accounts(), guard.name_accounts() TO placewise_app;
RESET ROLE;
