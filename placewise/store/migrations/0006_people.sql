-- People as pseudonyms, their identities in a vault, peer groups with dated membership, and links with their evidence.
SET ROLE placewise_owner;

CREATE TABLE placewise.person (
    LIKE placewise.evidential INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
    person_id uuid NOT NULL DEFAULT gen_random_uuid(),
    pseudonym text NOT NULL,
    kind text NOT NULL,
    dual_role boolean NOT NULL DEFAULT false,   -- a child who harms stays a child
    age_band text NOT NULL DEFAULT 'not_recorded',
    sex text NOT NULL DEFAULT 'not_recorded',
    care_status text NOT NULL DEFAULT 'not_recorded',
    concern_category text NOT NULL DEFAULT 'none',
    PRIMARY KEY (partnership_id, person_id),
    CONSTRAINT person_pseudonym_once UNIQUE (partnership_id, pseudonym),
    CONSTRAINT person_child_has_no_concern_category CHECK (kind <> 'child' OR concern_category = 'none'),
    CONSTRAINT person_concern_is_graded
        CHECK (concern_category = 'none' OR (source_grade IS NOT NULL AND assessment IS NOT NULL AND basis IS NOT NULL)),
    CONSTRAINT person_agency FOREIGN KEY (partnership_id, source_agency) REFERENCES placewise.agency,
    CONSTRAINT person_batch FOREIGN KEY (partnership_id, import_batch_id) REFERENCES placewise.import_batch
);
CREATE INDEX person_ref ON placewise.person (partnership_id, local_ref);

-- Numbers for pseudonyms ("Child 0412"); a number is never given twice.
CREATE TABLE placewise.pseudonym_counter (
    partnership_id uuid NOT NULL REFERENCES placewise.partnership,
    kind text NOT NULL,
    last_number integer NOT NULL DEFAULT 0,
    PRIMARY KEY (partnership_id, kind)
);

-- The identity vault. The pages' role may put an identity in and never read one: guard.reveal_identity does, with a
-- reason, one person at a time, in the audit log before it answers.
CREATE TABLE placewise.identity (
    partnership_id uuid NOT NULL,
    person_id uuid NOT NULL,
    given_name text,
    family_name text,
    date_of_birth date,
    address text,
    PRIMARY KEY (partnership_id, person_id),
    CONSTRAINT identity_person FOREIGN KEY (partnership_id, person_id) REFERENCES placewise.person
);

CREATE TABLE placewise.event_person (
    partnership_id uuid NOT NULL,
    event_id uuid NOT NULL,
    person_id uuid NOT NULL,
    role text NOT NULL,
    PRIMARY KEY (partnership_id, event_id, person_id, role),
    CONSTRAINT event_person_event FOREIGN KEY (partnership_id, event_id) REFERENCES placewise.event,
    CONSTRAINT event_person_person FOREIGN KEY (partnership_id, person_id) REFERENCES placewise.person
);
CREATE INDEX event_person_of_person ON placewise.event_person (partnership_id, person_id);

CREATE TABLE placewise.peer_group (
    LIKE placewise.evidential INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
    peer_group_id uuid NOT NULL DEFAULT gen_random_uuid(),
    name text NOT NULL CONSTRAINT peer_group_has_name CHECK (length(btrim(name)) BETWEEN 1 AND 200),
    assessment_status text NOT NULL DEFAULT 'not_started',
    norms text,
    strengths text,
    PRIMARY KEY (partnership_id, peer_group_id),
    CONSTRAINT peer_group_once UNIQUE (partnership_id, source_agency, local_ref),
    CONSTRAINT peer_group_agency FOREIGN KEY (partnership_id, source_agency) REFERENCES placewise.agency,
    CONSTRAINT peer_group_batch FOREIGN KEY (partnership_id, import_batch_id) REFERENCES placewise.import_batch
);
CREATE INDEX peer_group_ref ON placewise.peer_group (partnership_id, local_ref);

CREATE TABLE placewise.peer_group_member (
    LIKE placewise.evidential INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
    peer_group_member_id uuid NOT NULL DEFAULT gen_random_uuid(),
    peer_group_id uuid NOT NULL,
    person_id uuid NOT NULL,
    joined_on date,
    left_on date,
    PRIMARY KEY (partnership_id, peer_group_member_id),
    CONSTRAINT peer_group_member_dates_forward CHECK (left_on >= joined_on),
    CONSTRAINT peer_group_member_group FOREIGN KEY (partnership_id, peer_group_id) REFERENCES placewise.peer_group,
    CONSTRAINT peer_group_member_person FOREIGN KEY (partnership_id, person_id) REFERENCES placewise.person,
    CONSTRAINT peer_group_member_batch FOREIGN KEY (partnership_id, import_batch_id) REFERENCES placewise.import_batch
);
CREATE INDEX peer_group_member_of_group ON placewise.peer_group_member (partnership_id, peer_group_id);
CREATE INDEX peer_group_member_person ON placewise.peer_group_member (partnership_id, person_id);

CREATE TABLE placewise.link (
    LIKE placewise.evidential INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
    link_id uuid NOT NULL DEFAULT gen_random_uuid(),
    from_person uuid,
    from_group uuid,
    from_place uuid,
    to_person uuid,
    to_group uuid,
    to_place uuid,
    type text NOT NULL,
    strength text NOT NULL,
    first_seen date NOT NULL,
    last_seen date NOT NULL,
    expires_on date NOT NULL,
    contradicted_by text,                   -- contradicting evidence is kept beside, not instead
    PRIMARY KEY (partnership_id, link_id),
    CONSTRAINT link_one_source CHECK (num_nonnulls(from_person, from_group, from_place) = 1),
    CONSTRAINT link_one_target CHECK (num_nonnulls(to_person, to_group, to_place) = 1),
    CONSTRAINT link_not_to_itself CHECK (from_person IS DISTINCT FROM to_person OR from_person IS NULL),
    CONSTRAINT link_dates_forward CHECK (last_seen >= first_seen AND expires_on >= last_seen),
    -- An untrusted source or suspected falsehood can never be drawn as probable.
    CONSTRAINT link_strength_within_grading
        CHECK (strength = 'possible' OR (source_grade IS DISTINCT FROM 3 AND assessment IS DISTINCT FROM 'E')),
    CONSTRAINT link_from_person FOREIGN KEY (partnership_id, from_person) REFERENCES placewise.person,
    CONSTRAINT link_from_group FOREIGN KEY (partnership_id, from_group) REFERENCES placewise.peer_group,
    CONSTRAINT link_from_place FOREIGN KEY (partnership_id, from_place) REFERENCES placewise.place,
    CONSTRAINT link_to_person FOREIGN KEY (partnership_id, to_person) REFERENCES placewise.person,
    CONSTRAINT link_to_group FOREIGN KEY (partnership_id, to_group) REFERENCES placewise.peer_group,
    CONSTRAINT link_to_place FOREIGN KEY (partnership_id, to_place) REFERENCES placewise.place,
    CONSTRAINT link_batch FOREIGN KEY (partnership_id, import_batch_id) REFERENCES placewise.import_batch
);
CREATE INDEX link_of_from_person ON placewise.link (partnership_id, from_person) WHERE from_person IS NOT NULL;
CREATE INDEX link_of_from_group ON placewise.link (partnership_id, from_group) WHERE from_group IS NOT NULL;
CREATE INDEX link_of_from_place ON placewise.link (partnership_id, from_place) WHERE from_place IS NOT NULL;
CREATE INDEX link_of_to_person ON placewise.link (partnership_id, to_person) WHERE to_person IS NOT NULL;
CREATE INDEX link_of_to_group ON placewise.link (partnership_id, to_group) WHERE to_group IS NOT NULL;
CREATE INDEX link_of_to_place ON placewise.link (partnership_id, to_place) WHERE to_place IS NOT NULL;

CREATE TABLE placewise.link_evidence (
    partnership_id uuid NOT NULL,
    link_evidence_id uuid NOT NULL DEFAULT gen_random_uuid(),
    link_id uuid NOT NULL,
    event_id uuid,
    note text,
    PRIMARY KEY (partnership_id, link_evidence_id),
    CONSTRAINT link_evidence_says_something CHECK (event_id IS NOT NULL OR length(btrim(note)) > 0),
    CONSTRAINT link_evidence_link FOREIGN KEY (partnership_id, link_id) REFERENCES placewise.link,
    CONSTRAINT link_evidence_event FOREIGN KEY (partnership_id, event_id) REFERENCES placewise.event
);
CREATE INDEX link_evidence_of_link ON placewise.link_evidence (partnership_id, link_id);

CREATE TRIGGER known_terms AFTER INSERT ON placewise.person REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
    EXECUTE FUNCTION ref.check_terms('kind', 'person_kind', 'age_band', 'age_band', 'sex', 'sex', 'care_status',
                                     'care_status', 'concern_category', 'concern_category', 'basis', 'basis');
CREATE TRIGGER known_terms AFTER INSERT ON placewise.event_person REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
    EXECUTE FUNCTION ref.check_terms('role', 'person_event_role');
CREATE TRIGGER known_terms AFTER INSERT ON placewise.peer_group REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
    EXECUTE FUNCTION ref.check_terms('assessment_status', 'assessment_status', 'basis', 'basis');
CREATE TRIGGER known_terms AFTER INSERT ON placewise.link REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
    EXECUTE FUNCTION ref.check_terms('type', 'link_type', 'strength', 'link_strength', 'basis', 'basis');

DROP TABLE placewise.evidential;
GRANT SELECT ON placewise.link_evidence, placewise.person, placewise.identity, placewise.event TO placewise_guard;
RESET ROLE;

-- A link without evidence is refused when its transaction commits.
SET ROLE placewise_guard;
CREATE FUNCTION guard.link_needs_evidence() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM placewise.link_evidence e
                    WHERE e.partnership_id = NEW.partnership_id AND e.link_id = NEW.link_id) THEN
        RAISE EXCEPTION 'a link needs evidence'
            USING ERRCODE = '23514', CONSTRAINT = 'link_has_evidence', TABLE = 'link';
    END IF;
    RETURN NULL;
END $$;
GRANT EXECUTE ON FUNCTION guard.link_needs_evidence() TO placewise_owner, placewise_app;
RESET ROLE;
SET ROLE placewise_owner;
CREATE CONSTRAINT TRIGGER link_has_evidence AFTER INSERT ON placewise.link
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION guard.link_needs_evidence();
RESET ROLE;
