-- The whole network in memory, and small pictures at once: a count of changes, and policies that serve both (decision
-- 0014).
SET ROLE placewise_guard;

-- A row for each statement that changed what a network is made of. They are counted: changes are committed in another order
-- than they are made, and the highest number would overlook the slower one.
CREATE TABLE guard.change (
    partnership_id uuid NOT NULL,
    change_id bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (partnership_id, change_id)
);

CREATE FUNCTION guard.note_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO guard.change (partnership_id) SELECT DISTINCT r.partnership_id FROM changed_rows r;
    RETURN NULL;
END $$;

-- Moves with every committed change of the partnership, seen or hidden. No page shows it.
CREATE FUNCTION guard.data_version() RETURNS bigint
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT count(*) FROM guard.change c WHERE c.partnership_id = guard.partnership()
$$;

GRANT EXECUTE ON FUNCTION guard.note_change() TO placewise_owner;
GRANT EXECUTE ON FUNCTION guard.data_version() TO placewise_app;
RESET ROLE;

SET ROLE placewise_owner;
DO $$
DECLARE
    t text;
    change text;
BEGIN
    FOREACH t IN ARRAY ARRAY['person', 'peer_group', 'peer_group_member', 'link', 'place', 'event', 'event_person',
                             'missing_episode', 'import_batch'] LOOP
        FOREACH change IN ARRAY ARRAY['INSERT', 'UPDATE', 'DELETE'] LOOP
            -- Events come in with a batch, which counts for them: their inserts carry no trigger (0005).
            CONTINUE WHEN t = 'event' AND change = 'INSERT' OR t = 'import_batch' AND change <> 'INSERT';
            EXECUTE format('CREATE TRIGGER change_noted_%s AFTER %s ON placewise.%I REFERENCING %s TABLE AS changed_rows
                FOR EACH STATEMENT EXECUTE FUNCTION guard.note_change()',
                lower(change), change, t, CASE change WHEN 'DELETE' THEN 'OLD' ELSE 'NEW' END);
        END LOOP;
    END LOOP;
END $$;

-- As in 0008, but with EXISTS: the planner looks single ends up by their key when few links are asked for, and makes a
-- list of all that may be seen, as IN always does, when all are.
ALTER POLICY both_ends_visible ON placewise.link USING (
    recorded_by = (SELECT guard.account())
    OR ((from_person IS NULL OR EXISTS (SELECT FROM placewise.person p
            WHERE p.partnership_id = link.partnership_id AND p.person_id = link.from_person))
        AND (to_person IS NULL OR EXISTS (SELECT FROM placewise.person p
            WHERE p.partnership_id = link.partnership_id AND p.person_id = link.to_person))
        AND (from_place IS NULL OR EXISTS (SELECT FROM placewise.place q
            WHERE q.partnership_id = link.partnership_id AND q.place_id = link.from_place))
        AND (to_place IS NULL OR EXISTS (SELECT FROM placewise.place q
            WHERE q.partnership_id = link.partnership_id AND q.place_id = link.to_place))
        AND (from_group IS NULL OR EXISTS (SELECT FROM placewise.peer_group g
            WHERE g.partnership_id = link.partnership_id AND g.peer_group_id = link.from_group))
        AND (to_group IS NULL OR EXISTS (SELECT FROM placewise.peer_group g
            WHERE g.partnership_id = link.partnership_id AND g.peer_group_id = link.to_group))));
ALTER POLICY both_ends_visible ON placewise.peer_group_member USING (
    recorded_by = (SELECT guard.account())
    OR (EXISTS (SELECT FROM placewise.person p
            WHERE p.partnership_id = peer_group_member.partnership_id AND p.person_id = peer_group_member.person_id)
        AND EXISTS (SELECT FROM placewise.peer_group g
            WHERE g.partnership_id = peer_group_member.partnership_id
              AND g.peer_group_id = peer_group_member.peer_group_id)));
-- An event that may not be seen does not show as one that a link rests on either.
ALTER POLICY with_link ON placewise.link_evidence USING (
    EXISTS (SELECT FROM placewise.link l
             WHERE l.partnership_id = link_evidence.partnership_id AND l.link_id = link_evidence.link_id)
    AND (event_id IS NULL OR EXISTS (SELECT FROM placewise.event e
             WHERE e.partnership_id = link_evidence.partnership_id AND e.event_id = link_evidence.event_id)));
RESET ROLE;
