-- Row-level security on every table: a RESTRICTIVE tenant policy that no later policy can widen, then who sees what.
-- Masks: 31 readers, 15 panel, 7 editors (chair, co-ordinator, analyst), 6 importers (co-ordinator, analyst).
SET ROLE placewise_owner;

DO $$
DECLARE
    t text;
BEGIN
    FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'placewise' LOOP
        EXECUTE format('ALTER TABLE placewise.%I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE placewise.%I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant ON placewise.%I AS RESTRICTIVE TO placewise_app
            USING (partnership_id = (SELECT guard.partnership())) WITH CHECK (partnership_id = (SELECT guard.partnership()))', t);
    END LOOP;
    -- Public geography and the partnership's own frame: every member.
    FOREACH t IN ARRAY ARRAY['partnership', 'agency', 'boundary', 'street', 'feature'] LOOP
        EXECUTE format('CREATE POLICY members_read ON placewise.%I FOR SELECT TO placewise_app
            USING (partnership_id = (SELECT guard.partnership()))', t);
        EXECUTE format('GRANT SELECT ON placewise.%I TO placewise_app', t);
    END LOOP;
    -- What an import writes.
    FOREACH t IN ARRAY ARRAY['boundary', 'street', 'feature', 'import_batch', 'import_refusal', 'place', 'missing_episode',
                             'person', 'identity', 'event_person', 'peer_group', 'peer_group_member', 'link',
                             'link_evidence'] LOOP
        EXECUTE format('CREATE POLICY importers_add ON placewise.%I FOR INSERT TO placewise_app
            WITH CHECK ((SELECT guard.holds(6)))', t);
        EXECUTE format('GRANT INSERT ON placewise.%I TO placewise_app', t);
    END LOOP;
    -- Records about people and groups: panel roles; handling and restriction by the record. Whoever brought a record in
    -- has seen it.
    FOREACH t IN ARRAY ARRAY['person', 'peer_group', 'peer_group_member', 'link'] LOOP
        EXECUTE format('CREATE POLICY panel_reads ON placewise.%1$I FOR SELECT TO placewise_app USING (
            (SELECT guard.holds(15))
            AND (handling = ''P'' OR source_agency = (SELECT guard.agency()) OR (SELECT guard.agency()) = ANY (release_to)
                 OR recorded_by = (SELECT guard.account()))
            AND (NOT restricted OR %2$I IN (SELECT guard.granted_records())))', t, t || '_id');
        EXECUTE format('GRANT SELECT ON placewise.%I TO placewise_app', t);
    END LOOP;
END $$;

CREATE POLICY importers_read ON placewise.import_batch FOR SELECT TO placewise_app USING ((SELECT guard.holds(7)));
CREATE POLICY importers_read ON placewise.import_refusal FOR SELECT TO placewise_app USING ((SELECT guard.holds(6)));
GRANT SELECT ON placewise.import_batch, placewise.import_refusal TO placewise_app;
-- Only within the transaction that made it: the counts of a batch are written when its last row is in.
CREATE POLICY importer_completes ON placewise.import_batch FOR UPDATE TO placewise_app
    USING (imported_by = (SELECT guard.account()) AND imported_at = transaction_timestamp())
    WITH CHECK (imported_by = (SELECT guard.account()));
GRANT UPDATE (rows_read, accepted, duplicate, refused_count, summary, header) ON placewise.import_batch TO placewise_app;

CREATE POLICY readers_read ON placewise.place FOR SELECT TO placewise_app USING (
    ((SELECT guard.holds(15)) OR place_id IN (SELECT guard.granted_places()))
    AND (handling = 'P' OR source_agency = (SELECT guard.agency()) OR (SELECT guard.agency()) = ANY (release_to)
         OR recorded_by = (SELECT guard.account()))
    AND (NOT restricted OR place_id IN (SELECT guard.granted_records())));
CREATE POLICY editors_change ON placewise.place FOR UPDATE TO placewise_app
    USING ((SELECT guard.holds(7))) WITH CHECK ((SELECT guard.holds(7)));
GRANT SELECT ON placewise.place TO placewise_app;
GRANT UPDATE (name, aliases, location_type, place_role, status, opening_hours, place_manager, guardianship, strengths,
              review_due, version) ON placewise.place TO placewise_app;

CREATE POLICY readers_read ON placewise.event FOR SELECT TO placewise_app USING (
    ((SELECT guard.holds(15)) OR place_id IN (SELECT guard.granted_places()))
    AND (handling = 'P' OR source_agency = (SELECT guard.agency()) OR (SELECT guard.agency()) = ANY (release_to)
         OR recorded_by = (SELECT guard.account()))
    AND (NOT restricted OR event_id IN (SELECT guard.granted_records())));
CREATE POLICY importers_add ON placewise.event FOR INSERT TO placewise_app WITH CHECK (
    (SELECT guard.holds(6))
    AND (import_batch_id, source_agency) IN (SELECT b.import_batch_id, b.source_agency FROM placewise.import_batch b));
CREATE POLICY event_place ON placewise.event AS RESTRICTIVE FOR INSERT TO placewise_app
    WITH CHECK (place_id IS NULL OR place_id IN (SELECT p.place_id FROM placewise.place p));
CREATE POLICY event_boundary ON placewise.event AS RESTRICTIVE FOR INSERT TO placewise_app
    WITH CHECK (boundary_id IS NULL OR boundary_id IN (SELECT b.boundary_id FROM placewise.boundary b));
CREATE POLICY known_terms ON placewise.event AS RESTRICTIVE FOR INSERT TO placewise_app WITH CHECK (
    kind IN (SELECT t.code FROM ref.term t WHERE t.vocabulary = 'event_kind')
    AND (category IS NULL OR category IN (SELECT t.code FROM ref.term t WHERE t.vocabulary = 'crime_category'))
    AND (harm_types = '{}'
         OR harm_types <@ (SELECT array_agg(t.code) FROM ref.term t WHERE t.vocabulary = 'harm_type'))
    AND relation IN (SELECT t.code FROM ref.term t WHERE t.vocabulary = 'relation')
    AND accuracy IN (SELECT t.code FROM ref.term t WHERE t.vocabulary = 'accuracy')
    AND (basis IS NULL OR basis IN (SELECT t.code FROM ref.term t WHERE t.vocabulary = 'basis')));
GRANT SELECT, INSERT ON placewise.event TO placewise_app;

-- What hangs on another record is seen with it.
CREATE POLICY with_event ON placewise.missing_episode FOR SELECT TO placewise_app
    USING (event_id IN (SELECT e.event_id FROM placewise.event e));
CREATE POLICY with_event_and_person ON placewise.event_person FOR SELECT TO placewise_app
    USING ((SELECT guard.holds(15)) AND event_id IN (SELECT e.event_id FROM placewise.event e)
           AND person_id IN (SELECT p.person_id FROM placewise.person p));
CREATE POLICY with_link ON placewise.link_evidence FOR SELECT TO placewise_app
    USING (link_id IN (SELECT l.link_id FROM placewise.link l));
GRANT SELECT ON placewise.missing_episode, placewise.event_person, placewise.link_evidence TO placewise_app;

-- A link or membership of someone or somewhere hidden would give them away.
CREATE POLICY both_ends_visible ON placewise.link AS RESTRICTIVE FOR SELECT TO placewise_app USING (
    recorded_by = (SELECT guard.account())
    OR ((from_person IS NULL OR from_person IN (SELECT p.person_id FROM placewise.person p))
        AND (to_person IS NULL OR to_person IN (SELECT p.person_id FROM placewise.person p))
        AND (from_place IS NULL OR from_place IN (SELECT q.place_id FROM placewise.place q))
        AND (to_place IS NULL OR to_place IN (SELECT q.place_id FROM placewise.place q))
        AND (from_group IS NULL OR from_group IN (SELECT g.peer_group_id FROM placewise.peer_group g))
        AND (to_group IS NULL OR to_group IN (SELECT g.peer_group_id FROM placewise.peer_group g))));
CREATE POLICY both_ends_visible ON placewise.peer_group_member AS RESTRICTIVE FOR SELECT TO placewise_app USING (
    recorded_by = (SELECT guard.account())
    OR (person_id IN (SELECT p.person_id FROM placewise.person p)
        AND peer_group_id IN (SELECT g.peer_group_id FROM placewise.peer_group g)));

CREATE POLICY panel_reads ON placewise.saved_run FOR SELECT TO placewise_app USING ((SELECT guard.holds(15)));
CREATE POLICY editors_save ON placewise.saved_run FOR INSERT TO placewise_app
    WITH CHECK ((SELECT guard.holds(7)) AND saved_by = (SELECT guard.account()));
GRANT SELECT, INSERT ON placewise.saved_run TO placewise_app;

CREATE POLICY importers_count ON placewise.pseudonym_counter TO placewise_app
    USING ((SELECT guard.holds(6))) WITH CHECK ((SELECT guard.holds(6)));
GRANT SELECT, INSERT, UPDATE ON placewise.pseudonym_counter TO placewise_app;

-- The guard's functions read these for triggers, revealed identities and the list of memberships.
CREATE POLICY guard_reads ON placewise.link_evidence FOR SELECT TO placewise_guard USING (true);
CREATE POLICY guard_reads ON placewise.event FOR SELECT TO placewise_guard USING (true);
CREATE POLICY guard_reads ON placewise.person FOR SELECT TO placewise_guard USING (true);
CREATE POLICY guard_reads ON placewise.identity FOR SELECT TO placewise_guard USING (true);
CREATE POLICY guard_reads ON placewise.partnership FOR SELECT TO placewise_guard USING (true);
CREATE POLICY guard_reads ON placewise.agency FOR SELECT TO placewise_guard USING (true);
RESET ROLE;
