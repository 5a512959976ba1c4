-- Evidence: places and events, and the batches they came in.
SET ROLE placewise_owner;

CREATE TABLE placewise.import_batch (
    partnership_id uuid NOT NULL REFERENCES placewise.partnership,
    import_batch_id uuid NOT NULL DEFAULT gen_random_uuid(),
    layout text NOT NULL,
    source_agency uuid NOT NULL,
    file_name text NOT NULL,
    file_sha256 bytea NOT NULL,
    file_bytes bigint NOT NULL,
    rows_read integer NOT NULL DEFAULT 0,
    -- The fate of each row: a row is in exactly one of these two, or in import_refusal.
    accepted int4multirange NOT NULL DEFAULT '{}',
    duplicate int4multirange NOT NULL DEFAULT '{}',
    refused_count integer NOT NULL DEFAULT 0,
    header text[] NOT NULL DEFAULT '{}',
    summary jsonb NOT NULL DEFAULT '[]',
    imported_by uuid NOT NULL,
    imported_at timestamptz NOT NULL DEFAULT now(),
    software_version text NOT NULL,
    synthetic boolean NOT NULL DEFAULT false,
    PRIMARY KEY (partnership_id, import_batch_id),
    CONSTRAINT import_batch_agency FOREIGN KEY (partnership_id, source_agency) REFERENCES placewise.agency,
    CONSTRAINT import_batch_one_fate CHECK (NOT accepted && duplicate)
);
CREATE INDEX import_batch_newest ON placewise.import_batch (partnership_id, imported_at DESC);

CREATE TABLE placewise.import_refusal (
    partnership_id uuid NOT NULL,
    import_batch_id uuid NOT NULL,
    row_number integer NOT NULL,
    ordinal smallint NOT NULL,              -- a row may have several faults
    column_name text NOT NULL,
    code text NOT NULL,
    message text NOT NULL,
    cells text[] NOT NULL,                  -- the row as it came, to be mended and sent again
    PRIMARY KEY (partnership_id, import_batch_id, row_number, ordinal),
    CONSTRAINT import_refusal_batch FOREIGN KEY (partnership_id, import_batch_id) REFERENCES placewise.import_batch
);

-- The columns of every evidential record, copied into each table below and then dropped.
--
-- The id of an imported record is a keyed hash of what names it in its source (guard.record_key): random to everybody
-- else, and the same whenever a file brings the record again, so that its primary key already keeps it from coming twice.
-- The id of a record made by hand is random.
CREATE TABLE placewise.evidential (
    partnership_id uuid NOT NULL,
    source_agency uuid NOT NULL,
    controller_agency uuid,                 -- when another organisation than the source decides about the data
    local_ref text,
    processing_regime text NOT NULL DEFAULT 'uk_gdpr',
    lawful_basis text,
    marking text NOT NULL DEFAULT 'OFFICIAL-SENSITIVE'
        CONSTRAINT marking_ceiling CHECK (marking IN ('OFFICIAL', 'OFFICIAL-SENSITIVE')),
    source_grade smallint CONSTRAINT source_grade_3x5x2 CHECK (source_grade BETWEEN 1 AND 3),
    assessment text CONSTRAINT assessment_3x5x2 CHECK (assessment IN ('A', 'B', 'C', 'D', 'E')),
    handling text NOT NULL DEFAULT 'P' CONSTRAINT handling_3x5x2 CHECK (handling IN ('P', 'C')),
    handling_conditions text
        CONSTRAINT handling_c_states_conditions CHECK (handling = 'P' OR length(btrim(handling_conditions)) > 0),
    release_to uuid[] NOT NULL DEFAULT '{}',
    basis text,
    restricted boolean NOT NULL DEFAULT false,
    told_status text NOT NULL DEFAULT 'not_yet',
    valid_from date,
    valid_to date,
    review_due date,
    erase_on date,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    recorded_by uuid NOT NULL,
    synthetic boolean NOT NULL DEFAULT false,
    import_batch_id uuid,
    import_row integer,
    content_digest bytea,                   -- what it said when it came; a file that says otherwise is not lost in silence
    version integer NOT NULL DEFAULT 1
);

CREATE TABLE placewise.place (
    LIKE placewise.evidential INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
    place_id uuid NOT NULL DEFAULT gen_random_uuid(),
    name text NOT NULL CONSTRAINT place_has_name CHECK (length(btrim(name)) BETWEEN 1 AND 200),
    aliases text[] NOT NULL DEFAULT '{}',
    location_type text NOT NULL,
    place_role text,
    status text NOT NULL DEFAULT 'emerging_concern',
    online boolean NOT NULL DEFAULT false,
    geom public.geometry(Geometry, 27700) CONSTRAINT place_geometry_valid CHECK (public.ST_IsValid(geom)),
    accuracy text NOT NULL DEFAULT 'exact',
    radius_m real,
    opening_hours text,
    place_manager text,
    guardianship text,
    strengths text,
    PRIMARY KEY (partnership_id, place_id),
    CONSTRAINT place_geometry_or_online CHECK (online OR geom IS NOT NULL),
    CONSTRAINT place_agency FOREIGN KEY (partnership_id, source_agency) REFERENCES placewise.agency,
    CONSTRAINT place_batch FOREIGN KEY (partnership_id, import_batch_id) REFERENCES placewise.import_batch
);
CREATE INDEX place_geom ON placewise.place USING gist (geom);
CREATE INDEX place_ref ON placewise.place (partnership_id, local_ref);

CREATE TABLE placewise.event (
    LIKE placewise.evidential INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
    event_id uuid NOT NULL DEFAULT gen_random_uuid(),
    kind text NOT NULL,
    category text,                          -- police.uk crime category; harm types are the panel's own words
    harm_types text[] NOT NULL DEFAULT '{}',-- empty: not recorded
    occurred_from timestamptz NOT NULL,
    occurred_to timestamptz NOT NULL,
    reported_at timestamptz,
    place_id uuid,
    boundary_id uuid,                       -- the area, when no more is known
    relation text NOT NULL,
    accuracy text NOT NULL,
    radius_m real,
    geom public.geometry(Geometry, 27700),
    summary text NOT NULL DEFAULT '',
    PRIMARY KEY (partnership_id, event_id),
    CONSTRAINT event_interval_forward CHECK (occurred_to >= occurred_from),
    CONSTRAINT event_located_or_not CHECK ((geom IS NULL) OR (radius_m > 0))
);
-- No foreign keys from event, and no trigger on its inserts: a check for each row costs an import a third of its time,
-- even of rows that name no place. The insert policies (0008) hold each event to a batch of its partnership, that batch's
-- agency, the partnership's own places and areas, and the vocabularies, by lists that are read once a statement.
-- SP-GiST takes points at little more than half the cost of GiST and answers the same question (&&). Published crime lies
-- on snap points: nobody asks what of it is near a place, maps read it by period, and to index it costs a fifth of an import.
CREATE INDEX event_geom ON placewise.event USING spgist (geom) WHERE kind NOT IN ('recorded_crime', 'stop_search');
CREATE INDEX event_when ON placewise.event (partnership_id, occurred_from);
CREATE INDEX event_at_place ON placewise.event (partnership_id, place_id) WHERE place_id IS NOT NULL;
-- Partners' own references; nobody cites a published crime by its number as evidence.
CREATE INDEX event_ref ON placewise.event (partnership_id, local_ref)
    WHERE local_ref IS NOT NULL AND kind NOT IN ('recorded_crime', 'stop_search');

CREATE TABLE placewise.missing_episode (
    partnership_id uuid NOT NULL,
    event_id uuid NOT NULL,
    returned_at timestamptz,
    risk text,
    interview_offered_at timestamptz,
    interview_completed_at timestamptz,
    push_factors text[] NOT NULL DEFAULT '{}',
    pull_factors text[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (partnership_id, event_id),
    CONSTRAINT missing_episode_event FOREIGN KEY (partnership_id, event_id) REFERENCES placewise.event
);

CREATE TABLE placewise.saved_run (
    partnership_id uuid NOT NULL REFERENCES placewise.partnership,
    saved_run_id uuid NOT NULL DEFAULT gen_random_uuid(),
    kind text NOT NULL,
    title text NOT NULL,
    filter jsonb NOT NULL,
    parameters jsonb NOT NULL,
    seed bigint,
    data_cut_off timestamptz NOT NULL,
    software_version text NOT NULL,
    result jsonb NOT NULL,
    saved_by uuid NOT NULL,
    saved_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (partnership_id, saved_run_id)
);

CREATE TRIGGER known_terms AFTER INSERT ON placewise.place REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
    EXECUTE FUNCTION ref.check_terms('location_type', 'location_type', 'place_role', 'place_role', 'status', 'place_status',
                                     'accuracy', 'accuracy', 'basis', 'basis');
CREATE TRIGGER known_terms_changed AFTER UPDATE ON placewise.place REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
    EXECUTE FUNCTION ref.check_terms('location_type', 'location_type', 'place_role', 'place_role', 'status', 'place_status',
                                     'accuracy', 'accuracy', 'basis', 'basis');
CREATE TRIGGER known_terms_changed AFTER UPDATE ON placewise.event REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
    EXECUTE FUNCTION ref.check_terms('kind', 'event_kind', 'category', 'crime_category', 'harm_types[]', 'harm_type',
                                     'relation', 'relation', 'accuracy', 'accuracy', 'basis', 'basis');
CREATE TRIGGER known_terms AFTER INSERT ON placewise.boundary REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
    EXECUTE FUNCTION ref.check_terms('kind', 'boundary_kind');
CREATE TRIGGER known_terms AFTER INSERT ON placewise.street REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
    EXECUTE FUNCTION ref.check_terms('street_class', 'street_class');
CREATE TRIGGER known_terms AFTER INSERT ON placewise.feature REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
    EXECUTE FUNCTION ref.check_terms('kind', 'feature_kind');
CREATE TRIGGER known_terms AFTER INSERT ON placewise.agency REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
    EXECUTE FUNCTION ref.check_terms('kind', 'agency_kind');
CREATE TRIGGER known_terms AFTER INSERT ON placewise.missing_episode REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
    EXECUTE FUNCTION ref.check_terms('risk', 'missing_risk');
RESET ROLE;
